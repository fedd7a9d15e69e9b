import { createRouter, createWebHashHistory, type Router } from 'vue-router';
import { AboutView } from './views/index.ts';

/** The console's routes. The hash keeps them inside one page, whatever serves it. */
export function createConsoleRouter(): Router {
  return createRouter({
    history: createWebHashHistory(),
    routes: [
      { path: '/', name: 'about', component: AboutView },
      { path: '/:rest(.*)*', redirect: '/' },
    ],
  });
}
