import './no-eval.ts';
import './styles/index.ts';
import { createPinia } from 'pinia';
import { createApp } from 'vue';
import App from './App.vue';
import { connectConsole } from './client/index.ts';
import { createConsoleRouter } from './router.ts';
import { useConnectionStore } from './stores/index.ts';

const app = createApp(App).use(createPinia());
useConnectionStore().attach(connectConsole());
app.use(createConsoleRouter()).mount('#app');
