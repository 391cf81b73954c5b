// The three services under PM2, for those who run it: `pm2 start deploy/pm2/ecosystem.config.cjs`.
//
// SYSTEMZERO_HOME is the virtual environment that the packages are in, SYSTEMZERO_CONFIG the folder with a YAML file
// for each service; those of deploy/systemd are a start. PM2 sends SIGINT, which the services follow
// as they do SIGTERM. Not `pm2 reload`: it is for Node's own cluster. The gateway reads its limits
// again after `pm2 sendSignal SIGHUP gateway`.
const path = require("node:path");

const home = process.env.SYSTEMZERO_HOME ?? "/opt/systemzero";
const config = process.env.SYSTEMZERO_CONFIG ?? "/etc/systemzero";

const service = (name) => ({
  name,
  script: path.join(home, "bin", "python"),
  args: ["-m", `systemzero_${name}`, "--config", path.join(config, `${name}.yaml`)],
  interpreter: "none",
  exec_mode: "fork",
  instances: 1,
  // its grace (10 seconds) and what comes after (6), doubled
  kill_timeout: 32_000,
  exp_backoff_restart_delay: 100,
  env: { PYTHONUNBUFFERED: "1", PYTHONSAFEPATH: "1" },
});

module.exports = { apps: ["diff", "capture", "gateway"].map(service) };
