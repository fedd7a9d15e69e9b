/**
 * Views: join stores and components into the screens that the router shows, a
 * folder for each. Nothing imports a view but the router.
 */
export { default as OverviewView } from './overview/OverviewView.vue';
export { default as VolumesView } from './volumes/VolumesView.vue';
export { default as SnapshotsView } from './snapshots/SnapshotsView.vue';
export { default as ScheduleView } from './schedule/ScheduleView.vue';
export { default as PairingView } from './pairing/PairingView.vue';
export { default as FailoverView } from './failover/FailoverView.vue';
export { default as ActivityView } from './activity/ActivityView.vue';
export { default as SettingsView } from './settings/SettingsView.vue';
