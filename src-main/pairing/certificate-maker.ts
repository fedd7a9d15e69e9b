// The library registers its parts by decorators, and needs their reflection first.
import 'reflect-metadata';
export { X509CertificateGenerator } from '@peculiar/x509';
