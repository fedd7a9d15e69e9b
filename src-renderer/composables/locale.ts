/**
 * The locale of the browser that dates, numbers and the order of names go by.
 * Some systems hand over what is no language tag, such as `en-US@posix`, with
 * which nothing could be formatted; then it is English.
 */
export function localeOf(languages: readonly string[]): string {
  for (const language of languages) {
    try {
      const [canonical] = Intl.DateTimeFormat.supportedLocalesOf([language]);
      if (canonical !== undefined) return canonical;
    } catch {
      // No language tag; the next may be one.
    }
  }
  return 'en';
}

export const locale = localeOf(navigator.languages);
