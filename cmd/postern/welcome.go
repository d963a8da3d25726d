package main

import (
	"cmp"
	_ "embed"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/postern-dev/postern/shared/behind"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/config"
)

//go:embed welcome.txt
var welcomeText string

var welcome = template.Must(template.New("welcome").Parse(welcomeText))

// printWelcome says where the server is, where its data lie, who may sign in, and what to
// paste into each client. Command is the server behind, if it is one.
func printWelcome(w io.Writer, env *boot.Env, origin, records string, command []string) {
	keys, _ := env.Lookup("FERNET_KEYS_FILE")
	_ = welcome.Execute(w, struct {
		Origin, URL, Records, Keys, SignIn, Upstream string
		Named                                        []string
	}{
		origin, origin + "/mcp", records, absolute(filepath.Dir(keys)), mayEnter(env),
		cmp.Or(strings.Join(command, " "), originOf(env.Settings().URL(upstreamSetting))), named(env, origin),
	})
}

// named says where the servers of MCP_UPSTREAMS are, and which is there.
func named(env *boot.Env, origin string) []string {
	var out []string
	for _, s := range behind.Servers(env.Settings()) {
		out = append(out, s.ID(origin)+" the server at "+originOf(s.URL))
	}
	return out
}

// originOf names a server behind without its path, which may be a secret.
func originOf(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// recordsOf says where the records of the settings are.
func recordsOf(env *boot.Env) string {
	setting := env.Settings().String("STORE")
	if dir, ok := strings.CutPrefix(setting, "embedded:"); ok {
		return absolute(dir)
	}
	return config.HidePassword(setting)
}

// mayEnter says who may sign in, and how.
func mayEnter(env *boot.Env) string {
	allow, _ := env.Lookup("ALLOW")
	switch provider := env.Settings().Enum("IDENTITY_PROVIDER"); {
	case provider != "development":
		return "by " + provider + ": " + allow
	case allow == "anyone":
		return "anyone, by a form that believes every name"
	default:
		return "by a form that believes every name: " + allow
	}
}

// absolute returns the whole path, or the path as it is if this directory has none.
func absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}
