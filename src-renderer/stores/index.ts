/**
 * Stores: one Pinia store per domain of the contract. A store owns what the
 * engine told it; components get it as props.
 */
export { useProductStore } from './product.ts';
