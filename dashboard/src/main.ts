// Where does it begin?
import { mount } from 'svelte';
import App from './App.svelte';
import { listen } from './state/route.svelte';
import './style/tokens.css';
import './style/base.css';
import './style/parts.css';

listen();
const target = document.getElementById('app');
if (target) mount(App, { target });
