/**
 * Components: what screens are made of. Props in, events out; they ask nobody
 * and keep nothing but how they look.
 */
export { default as AlertList } from './AlertList.vue';
export { default as ChoiceCards } from './ChoiceCards.vue';
export { default as ChoiceSelect } from './ChoiceSelect.vue';
export type { Choice, ChoiceGroup } from './choice.ts';
export { default as ConfirmDialog } from './ConfirmDialog.vue';
export { default as CopyField } from './CopyField.vue';
export { default as EmptyState } from './EmptyState.vue';
export { default as FaultNotice } from './FaultNotice.vue';
export { default as FolderPicker } from './FolderPicker.vue';
export { default as FormField } from './FormField.vue';
export { default as IdentityText } from './IdentityText.vue';
export { default as IntervalField } from './IntervalField.vue';
export { everyWords, timeWords } from './interval-stops.ts';
export { default as LevelMark } from './LevelMark.vue';
export { default as LimitsForm } from './LimitsForm.vue';
export { default as MachinePathField } from './MachinePathField.vue';
export { default as PageHeader } from './PageHeader.vue';
export { default as PagerRow } from './PagerRow.vue';
export { default as PanelCard } from './PanelCard.vue';
export { default as ProgressLine } from './ProgressLine.vue';
export { default as QrCode } from './QrCode.vue';
export { default as SeriesChart } from './SeriesChart.vue';
export { type ChartScale, type ChartSeries, durationScale, rateScale } from './chart-options.ts';
export { default as ServerText } from './ServerText.vue';
export { type BarFill, type BarPart, partShares, shareWords } from './bar-parts.ts';
export { default as StackedBar } from './StackedBar.vue';
export { default as StepTrail } from './StepTrail.vue';
export { default as TabLinks } from './TabLinks.vue';
export { default as TypeToConfirm } from './TypeToConfirm.vue';
export { default as WhenText } from './WhenText.vue';
export { isAbsolutePath, pathIn, splitMachinePath } from './machine-paths.ts';
export { default as WindowedGrid } from './WindowedGrid.vue';
export { type GridColumn, type PickHow, rowUnder } from './grid-columns.ts';
