/**
 * Views: join stores and components into the screens that the router shows.
 * Nothing imports a view but the router.
 */
export { default as AboutView } from './AboutView.vue';
