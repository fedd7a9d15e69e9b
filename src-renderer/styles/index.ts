/**
 * Styles: the look of the whole console, its colours and measures in both
 * appearances. Components have their own beside them.
 */
import 'element-plus/dist/index.css';
import 'element-plus/theme-chalk/dark/css-vars.css';
import './theme.css';
import './base.css';
