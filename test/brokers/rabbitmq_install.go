package brokers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// rabbitServerScript is Debian's. The rabbitmq-server on the PATH beside it insists on the account rabbitmq and on the
// package's own directories; this one runs as anybody, anywhere.
const rabbitServerScript = "/usr/lib/rabbitmq/bin/rabbitmq-server"

// rabbitInstall is a RabbitMQ on this machine.
type rabbitInstall struct {
	script string // path of the server's start script
	epmd   string // path of Erlang's port mapper
}

func findRabbitMQ() (rabbitInstall, error) {
	if !systemSupported {
		return rabbitInstall{}, &missingError{}
	}
	if _, err := os.Stat(rabbitServerScript); err != nil {
		return rabbitInstall{}, &missingError{what: "there is no RabbitMQ (" + rabbitServerScript + ")"}
	}
	epmd, err := exec.LookPath("epmd")
	if err != nil {
		return rabbitInstall{}, &missingError{what: "there is no epmd (Erlang) for RabbitMQ"}
	}
	return rabbitInstall{script: rabbitServerScript, epmd: epmd}, nil
}

// portMapper runs in the foreground and knows the nodes of one broker only.
func (r rabbitInstall) portMapper(dir string, epmdPort int) *exec.Cmd {
	cmd := exec.Command(r.epmd, "-port", fmt.Sprint(epmdPort), "-address", "127.0.0.1")
	cmd.Dir = dir
	cmd.Env = rabbitEnvironment(dir, epmdPort)
	return cmd
}

// server is the node itself: under the name of systemd the script does not stay as its parent but becomes the node, so
// that signals reach it.
func (r rabbitInstall) server(dir string, epmdPort, distPort int) *exec.Cmd {
	cmd := exec.Command(r.script)
	cmd.Dir = dir
	cmd.Env = append(rabbitEnvironment(dir, epmdPort),
		"RUNNING_UNDER_SYSTEMD=true",
		"RABBITMQ_NODENAME="+rabbitNode,
		fmt.Sprintf("RABBITMQ_DIST_PORT=%d", distPort),
		"RABBITMQ_CONFIG_FILE="+filepath.Join(dir, rabbitSettingsFile),
		"RABBITMQ_CONFIG_FILES="+filepath.Join(dir, "no-further"),
		"RABBITMQ_ADVANCED_CONFIG_FILE="+filepath.Join(dir, "no-advanced"),
		"RABBITMQ_CONF_ENV_FILE="+filepath.Join(dir, rabbitEnvFile),
		"RABBITMQ_ENABLED_PLUGINS_FILE="+filepath.Join(dir, rabbitPluginsFile),
		"RABBITMQ_MNESIA_BASE="+filepath.Join(dir, rabbitDataDir),
		"RABBITMQ_LOG_BASE="+filepath.Join(dir, "log"),
		"RABBITMQ_PID_FILE="+filepath.Join(dir, "pid"),
		"RABBITMQ_LOGS=-",
	)
	return cmd
}

// rabbitEnvironment is ours without what would point the node to an installed broker. HOME holds the Erlang cookie.
func rabbitEnvironment(dir string, epmdPort int) []string {
	var env []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "RABBITMQ_") && !strings.HasPrefix(variable, "ERL_") {
			env = append(env, variable)
		}
	}
	return append(env, "HOME="+dir, fmt.Sprintf("ERL_EPMD_PORT=%d", epmdPort), "ERL_EPMD_ADDRESS=127.0.0.1")
}
