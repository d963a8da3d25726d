package tool

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// All are the tools of make check, the required ones first.
var All = []Tool{
	Go, C, Git, Node, Npm,
	Chromium, Firefox, WebKit, Firestore, Python, Postgres, Pgbouncer, Redis, Java, Maven,
}

// Tools that make check does not begin without.
var (
	Go   = required("go", version("go", 1, 26, "see https://go.dev/doc/install", "version"))
	C    = required("a C compiler", compiler) // for the race detector
	Git  = required("git", program("git", "sudo apt-get install git", "git"))
	Node = required("node", version("node", 20, 0, getNode, "--version"))
	Npm  = required("npm", program("npm", "it comes with Node: "+getNode))
)

// Tools whose tests are left out where they are missing.
var (
	Chromium  = Tool{Name: "Chromium", Path: chromium}
	Firefox   = Tool{Name: "Firefox", Path: firefox}
	WebKit    = Tool{Name: "WebKit", Path: webkit}
	Firestore = Tool{Name: "the Firestore emulator", Path: firestore}
	Python    = Tool{Name: "Python", Path: python}
	Redis     = Tool{Name: "Redis", Path: program("redis-server", "sudo apt-get install redis-server", "redis-server")}
	// Java and Maven bring and run Keycloak.
	Java  = Tool{Name: "Java", Path: java}
	Maven = Tool{Name: "Maven", Path: program("mvn", "sudo apt-get install maven", "maven")}
)

const getNode = "see https://nodejs.org/en/download"

func required(name string, path func() (string, error)) Tool {
	return Tool{Name: name, Required: true, Path: path}
}

// program finds a program of any version.
func program(name, get string, debian ...string) func() (string, error) {
	return func() (string, error) {
		path, err := exec.LookPath(name)
		if err != nil {
			return "", &Missing{What: name + " is missing", Get: get, Debian: debian}
		}
		return path, nil
	}
}

var (
	versionNumber = regexp.MustCompile(`(\d+)\.(\d+)`)
	firstNumber   = regexp.MustCompile(`\d+`)
)

// version finds a program of a version or a newer one. It prints its version when run
// with args.
func version(name string, major, minor int, get string, args ...string) func() (string, error) {
	return func() (string, error) {
		path, err := program(name, get)()
		if err != nil {
			return "", err
		}
		out, err := exec.Command(path, args...).Output()
		if err != nil {
			return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
		}
		m := versionNumber.FindStringSubmatch(string(out))
		if m == nil {
			return "", fmt.Errorf("%s: no version in %q", name, out)
		}
		gotMajor, _ := strconv.Atoi(m[1]) // digits, as matched
		gotMinor, _ := strconv.Atoi(m[2])
		if gotMajor < major || gotMajor == major && gotMinor < minor {
			return "", &Missing{What: fmt.Sprintf("%s is %s, want %d.%d or newer", name, m[0], major, minor), Get: get}
		}
		return path, nil
	}
}

// compiler finds the C compiler that Go calls.
func compiler() (string, error) {
	out, err := exec.Command("go", "env", "CC").Output()
	if err != nil {
		return "", fmt.Errorf("go env CC: %w", err)
	}
	name, _, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	return program(name, "sudo apt-get install gcc libc6-dev", "gcc", "libc6-dev")()
}

func chromium() (string, error) {
	return browser("Chromium", "chromium", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
}

func firefox() (string, error) {
	return browser("Firefox", "firefox-esr", "firefox-esr", "firefox")
}

// webkit finds the driver, which needs a display too.
func webkit() (string, error) {
	_, err := exec.LookPath("Xvfb")
	path, missing := exec.LookPath("WebKitWebDriver")
	if err != nil || missing != nil {
		return "", &Missing{
			What: "WebKit's driver or Xvfb is missing", Get: "sudo apt-get install webkit2gtk-driver xvfb",
			Debian: []string{"webkit2gtk-driver", "xvfb"},
		}
	}
	return path, nil
}

// browser finds the first of several programs; a package of Debian's brings one of them.
func browser(called, debian string, names ...string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", &Missing{
		What: called + " is missing", Get: "sudo apt-get install " + debian, Debian: []string{debian},
	}
}

const getPython = "sudo apt-get install python3-venv"

// python finds Python with what makes environments, which Debian packs apart.
func python() (string, error) {
	if _, err := program("python3", getPython, "python3-venv")(); err != nil {
		return "", err
	}
	path, err := version("python3", 3, 10, "see https://www.python.org/downloads", "--version")()
	if err != nil {
		return "", err
	}
	if exec.Command(path, "-c", "import ensurepip, venv").Run() != nil {
		return "", &Missing{What: "python3 cannot make environments", Get: getPython, Debian: []string{"python3-venv"}}
	}
	return path, nil
}

const getJava = "sudo apt-get install default-jre-headless"

// anyJava finds Java, of whatever version.
var anyJava = program("java", getJava, "default-jre-headless")

// java finds Java 17 or newer.
func java() (string, error) {
	if _, err := anyJava(); err != nil {
		return "", err
	}
	return version("java", 17, 0, getJava, "--version")()
}

const getEmulator = "gcloud components install cloud-firestore-emulator"

// firestore finds the emulator's program, which is a part of the Google Cloud CLI and
// needs Java.
func firestore() (string, error) {
	gcloud, err := program("gcloud", "curl https://sdk.cloud.google.com | bash && "+getEmulator)()
	if err != nil {
		return "", err
	}
	out, err := exec.Command(gcloud, "info", "--format=value(installation.sdk_root)").Output()
	if err != nil {
		return "", fmt.Errorf("gcloud info: %w", err)
	}
	directory := filepath.Join(strings.TrimSpace(string(out)), "platform", "cloud-firestore-emulator")
	jar := filepath.Join(directory, "cloud-firestore-emulator.jar")
	if _, err := os.Stat(jar); err != nil {
		return "", &Missing{What: "the Firestore emulator is missing", Get: getEmulator +
			" (with Google's Debian packages: sudo apt-get install google-cloud-cli-firestore-emulator)"}
	}
	if _, err := anyJava(); err != nil {
		return "", err
	}
	return jar, nil
}
