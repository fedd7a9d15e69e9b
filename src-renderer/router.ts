import { createRouter, createWebHashHistory, type RouteRecordRaw, type Router } from 'vue-router';
import * as views from './views/index.ts';

/** The console's screens, in the order in which the window offers them. */
export const screens = [
  { path: '/', name: 'overview', title: 'Overview', component: views.OverviewView },
  { path: '/volumes', name: 'volumes', title: 'Volumes', component: views.VolumesView },
  { path: '/snapshots', name: 'snapshots', title: 'Snapshots and restore', component: views.SnapshotsView },
  { path: '/schedule', name: 'schedule', title: 'Schedule', component: views.ScheduleView },
  { path: '/pairing', name: 'pairing', title: 'Pairing', component: views.PairingView },
  { path: '/failover', name: 'failover', title: 'Failover', component: views.FailoverView },
  { path: '/activity', name: 'activity', title: 'Activity', component: views.ActivityView },
  { path: '/settings', name: 'settings', title: 'Settings', component: views.SettingsView },
] as const;

/** The console's routes. The hash keeps them inside one page, whatever serves it. */
export function createConsoleRouter(): Router {
  const routes: RouteRecordRaw[] = screens.map(({ path, name, title, component }) => ({ path, name, component, meta: { title } }));
  const router = createRouter({
    history: createWebHashHistory(),
    routes: [...routes, { path: '/:rest(.*)*', redirect: '/' }],
  });
  router.afterEach((to) => {
    const { title } = to.meta;
    document.title = typeof title === 'string' ? `${title} – Mirrorpoint` : 'Mirrorpoint';
  });
  return router;
}
