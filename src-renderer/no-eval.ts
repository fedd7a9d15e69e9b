import { z } from 'zod';

// Schemas are compiled with `new Function` otherwise, which the content security policy refuses; this comes before any is made.
z.config({ jitless: true });
