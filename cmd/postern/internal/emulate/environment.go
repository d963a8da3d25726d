package emulate

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern-dev/postern/shared/config"
	"github.com/postern-dev/postern/shared/manifest"
)

// project is the id of the project that nobody owns.
const project = "postern-emulate"

// eventTimeout is that of the function that events start in terraform/functions.tf.
const eventTimeout = 120 * time.Second

// timeoutMargin is how far a function's timeout is below its deadline at the gateway
// (terraform/functions.tf).
const timeoutMargin = 10 * time.Second

// asDeployed returns the settings of c with those that terraform makes.
func asDeployed(c Config, origin string) (func(string) (string, bool), error) {
	made := map[string]string{"ISSUER_URL": origin}
	var err error
	if made["STORE"], err = storeSetting(c); err != nil {
		return nil, err
	}
	return config.Overlay(config.Map(made), c.Lookup), nil
}

// storeSetting is STORE where it is set, if it fits --store, else the default of the
// kind of store.
func storeSetting(c Config) (string, error) {
	set, _ := c.Lookup("STORE")
	switch {
	case c.Store != Embedded && c.Store != Firestore && c.Store != Postgres:
		return "", fmt.Errorf("--store is %q: want %s, %s or %s", c.Store, Embedded, Firestore, Postgres)
	case strings.HasPrefix(set, c.Store+":"):
		return set, nil
	case set != "":
		return "", fmt.Errorf("STORE is %q and --store is %s: unset one, or make them agree",
			config.HidePassword(set), c.Store)
	case c.Store == Postgres:
		return "", errors.New("--store postgres needs STORE, which says where the server is: " +
			"postgres://USER@HOST/DATABASE")
	case c.Store == Firestore:
		return "firestore:" + project, nil
	}
	return "embedded:" + c.Data, nil
}

// behindGateway is what terraform sets for functions behind the gateway. Two hops add
// to X-Forwarded-For: the gateway and the platform's front end.
var behindGateway = map[string]string{"TRUST_FORWARDED_AUTHORIZATION": "true", "FORWARDED_FOR_HOPS": "2"}

// behindBalancer is what it sets for functions straight behind the load balancer of a proof, which
// adds its caller's address and its own.
func behindBalancer(proof string) map[string]string {
	return map[string]string{
		"LOAD_BALANCER_ONLY": "true", "LOAD_BALANCER_PROOF": proof, "FORWARDED_FOR_HOPS": "2",
		"TRUST_FORWARDED_AUTHORIZATION": "", // whatever is set for another front
	}
}

// newProof is what terraform makes once.
func newProof() string { return rand.Text() + rand.Text() }

// behind is what terraform sets for functions behind the front that d has.
func (d *deployment) behind() map[string]string {
	if d.Front == LoadBalancer {
		return behindBalancer(d.proof)
	}
	return behindGateway
}

// environment returns the environment of a function's process: that of this process,
// of the settings those that the function reads and no others, what its front asks for if
// it has one, and what the platform sets. extra is put on top.
func environment(
	lookup func(string) (string, bool), f manifest.Function, timeout time.Duration, behind, extra map[string]string,
) []string {
	env := map[string]string{}
	for _, pair := range os.Environ() {
		if key, value, ok := strings.Cut(pair, "="); ok && !ours(key) {
			env[key] = value
		}
	}
	for _, name := range f.Settings {
		if value, ok := lookup(name); ok {
			env[name] = value
		}
	}
	env["FUNCTION_TARGET"], env["FUNCTION_SIGNATURE_TYPE"] = f.Name, string(f.Trigger)
	if f.Trigger == manifest.HTTP {
		maps.Copy(env, behind)
		env["CLOUD_RUN_TIMEOUT_SECONDS"] = strconv.Itoa(int(timeout / time.Second))
	}
	maps.Copy(env, extra)
	pairs := make([]string, 0, len(env))
	for key, value := range env {
		pairs = append(pairs, key+"="+value)
	}
	slices.Sort(pairs)
	return pairs
}

// ours reports whether a variable is a setting or one of the platform's, which a
// process gets from us or not at all.
func ours(key string) bool {
	switch key {
	case "PORT", "HOST", "FUNCTION_TARGET", "FUNCTION_SIGNATURE_TYPE",
		"CLOUD_RUN_TIMEOUT_SECONDS", "FIRESTORE_EMULATOR_HOST":
		return true
	}
	return strings.HasPrefix(key, "K_") ||
		slices.ContainsFunc(config.Settings, func(s config.Setting) bool { return s.Name == key })
}
