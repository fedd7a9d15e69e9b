/** The rows of a list as a table shows them. */
export interface RowsModel<Row> {
  /** As many as are known. */
  readonly count: number;
  /** Undefined where a row is not here at the moment. */
  readonly at: (index: number) => Row | undefined;
  /** Something was answered. */
  readonly isBegun: boolean;
  /** There are more than are known. */
  readonly isOpenEnded: boolean;
  /** There are more than are shown. */
  readonly isCut: boolean;
  readonly isLoading: boolean;
}
