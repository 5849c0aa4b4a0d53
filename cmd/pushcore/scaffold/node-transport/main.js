#!/usr/bin/env node
import { serve } from "./pushcore.js";
import { Transport } from "./transport.js";

serve(new Transport());
