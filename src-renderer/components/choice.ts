/** One of several things to choose from. */
export interface Choice<T> {
  readonly value: T;
  readonly label: string;
  readonly isDisabled?: boolean;
}

/** Choices under one heading. */
export interface ChoiceGroup<T> {
  readonly label: string;
  readonly choices: readonly Choice<T>[];
}
