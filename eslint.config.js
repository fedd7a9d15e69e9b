import { defineConfig } from 'eslint/config';
import vue from 'eslint-plugin-vue';
import tseslint from 'typescript-eslint';
import vueParser from 'vue-eslint-parser';
import { housePlugin } from './resources/lint/index.ts';

const uncodedThrow = {
  selector: 'ThrowStatement > NewExpression[callee.name=/^(Error|TypeError|RangeError)$/]',
  message: 'An operating fault is a MirrorpointError with a code; a programmer fault is an assert.',
};

const bareThrow = {
  selector: 'ThrowStatement > :matches(Literal, TemplateLiteral, ObjectExpression, ArrayExpression)',
  message: 'A bare value carries no code and no stack: throw a MirrorpointError, or assert.',
};

const mockOfOwnModule = {
  selector: 'CallExpression[callee.object.name="vi"][callee.property.name=/^(mock|doMock)$/]',
  message: 'Own modules are not mocked: pass a device, transport, clock or random source in.',
};

export default defineConfig(
  { ignores: ['out/', 'coverage/', 'test/house/fixtures/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  vue.configs['flat/recommended-error'],
  {
    files: ['**/*.{ts,js,vue}'],
    plugins: { house: housePlugin },
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.vue'],
      },
    },
    rules: {
      'house/floors': 'error',
      'house/ambient': 'error',
      eqeqeq: 'error',
      'max-lines': ['error', 500],
      'object-shorthand': 'error',
      'prefer-const': 'error',
      'no-eval': 'error',
      'no-new-func': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNever: true },
      ],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A kept `unknown` fault, once compared with undefined, is no longer `unknown` to
      // this rule, and could not be thrown on; bare values are caught by `bareThrow`.
      '@typescript-eslint/only-throw-error': 'off',
      // It proposes `other?.#field`, which the language does not have.
      '@typescript-eslint/prefer-optional-chain': 'off',
      // A typed array's element inside its bounds is known to be there; the checker cannot see the bounds.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // A memory implementation of an asynchronous port has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/prefer-for-of': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/unified-signatures': 'off',
    },
  },
  {
    // The kinds of syntax nodes are an enum in the types and plain strings everywhere else.
    files: ['resources/lint/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
    },
  },
  {
    files: ['src-main/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', uncodedThrow, bareThrow],
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', mockOfOwnModule],
      // Matchers of the test runner are typed `any`.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    files: ['**/*.vue'],
    languageOptions: { parser: vueParser, parserOptions: { parser: tseslint.parser } },
    rules: {
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
      'vue/no-v-html': 'error',
      // An optional prop is undefined unless it is given, as its type says.
      'vue/require-default-prop': 'off',
      // Line breaks inside tags are the author's.
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/html-self-closing': ['error', { html: { void: 'always', normal: 'never', component: 'always' } }],
    },
  },
  {
    // The type-aware rules do not see into component files; the type check does.
    files: ['**/*.vue', 'src-renderer/{main,router}.ts', 'src-renderer/**/index.ts', 'test/renderer/**/*.ts'],
    extends: [tseslint.configs.disableTypeChecked],
  },
);
