package idp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

const keycloakSecret = "a-secret-of-keycloaks"

// A keycloak is told what tests want by its Admin REST API.
type keycloak struct {
	t       testing.TB
	origin  string
	command rig.Command
	process *rig.Process
	people  map[string]string // login to id
}

// StartKeycloak starts Keycloak with the realm of test/keycloak: its clients send their secret
// by client_secret_post, its refresh tokens work once, and it sends iss and logout tokens.
func StartKeycloak(t testing.TB) Provider {
	t.Helper()
	dir, java := rig.Keycloak(t)
	_, port, origin := address(t)
	home := keycloakHome(t, dir)
	k := &keycloak{t: t, origin: origin, people: map[string]string{}, command: rig.Command{
		Name: "keycloak", Path: java, Dir: home,
		Args: []string{
			"-Xms64m", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-Dkc.config.built=true", "-Dkc.home.dir=" + home,
			"-Djboss.server.config.dir=" + filepath.Join(home, "conf"), "-Dpicocli.disable.closures=true",
			"-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
			"-Djava.util.concurrent.ForkJoinPool.common.threadFactory=" +
				"io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory",
			"--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
			"--add-opens=java.base/java.security=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED",
			"-cp", filepath.Join(dir, "lib", "quarkus-run.jar"), "io.quarkus.bootstrap.runner.QuarkusEntryPoint",
			"start", "--optimized", "--http-enabled=true", "--http-host=127.0.0.1", "--http-port=" + port,
			"--hostname=" + origin,
		},
	}}
	k.Start(t)
	return k
}

// keycloakHome is a home with records of its own, and all else of dir.
func keycloakHome(t testing.TB, dir string) string {
	t.Helper()
	home := t.TempDir()
	err := os.CopyFS(filepath.Join(home, "data", "h2"), os.DirFS(filepath.Join(dir, "data", "h2")))
	for _, name := range []string{"conf", "lib", "providers", "themes"} {
		if err == nil {
			err = os.Symlink(filepath.Join(dir, name), filepath.Join(home, name))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return home
}

func (k *keycloak) URL() string { return k.origin + "/realms/acme" }

func (k *keycloak) Start(t testing.TB) {
	t.Helper()
	k.process = rig.Launch(k.t, k.command)
	if _, err := k.process.Says(t.Context(), regexp.MustCompile(`Listening on: `)); err != nil {
		t.Fatal(err)
	}
	k.token(t) // it loads what gives tokens when it is first asked for one, which can take longer than we wait
}

func (k *keycloak) Stop() { k.process.Stop() }

func (k *keycloak) Settings(t testing.TB, client string) map[string]string {
	t.Helper()
	return map[string]string{
		"IDENTITY_PROVIDER": "oidc:keycloak", "OIDC_ISSUER": k.URL(), "OIDC_CLIENT_ID": client,
		"OIDC_CLIENT_SECRET_FILE": keep(t, "client-secret", []byte(keycloakSecret+"\n")),
		"OIDC_CLIENT_AUTH":        "client_secret_post",
	}
}

// an object of the Admin REST API.
type object = map[string]any

// Register makes a client as docs/identity/keycloak.md says.
func (k *keycloak) Register(t testing.TB, client string, s *rig.Server) {
	t.Helper()
	k.do(t, http.MethodPost, "/clients", object{
		"clientId": client, "secret": keycloakSecret, "publicClient": false, "standardFlowEnabled": true,
		"redirectUris": []string{callback(s)}, "frontchannelLogout": false,
		"attributes": object{
			"backchannel.logout.url": logout(s), "backchannel.logout.session.required": "true",
			"pkce.code.challenge.method": "S256",
		},
		"protocolMappers": []object{{
			"name": "groups", "protocol": "openid-connect", "protocolMapper": "oidc-group-membership-mapper",
			"config": object{
				"claim.name": "groups", "full.path": "false", "id.token.claim": "true", "userinfo.token.claim": "true",
			},
		}},
	}, nil)
}

func (k *keycloak) SetUser(t testing.TB, login string, groups ...string) {
	t.Helper()
	if k.people[login] == "" {
		k.do(t, http.MethodPost, "/users", object{
			"username": login, "enabled": true, "email": login + "@example.com", "emailVerified": true,
			"firstName": login, "lastName": "Example",
			"credentials": []object{{"type": "password", "value": oauthtest.Password}},
		}, nil)
		var found []struct{ ID string }
		k.do(t, http.MethodGet, "/users?exact=true&username="+url.QueryEscape(login), nil, &found)
		if len(found) != 1 {
			t.Fatalf("got %d users %s, want 1", len(found), login)
		}
		k.people[login] = found[0].ID
	}
	var all, theirs []struct{ ID, Name string }
	mine := "/users/" + k.people[login] + "/groups"
	k.do(t, http.MethodGet, mine, nil, &theirs)
	for _, g := range theirs {
		k.do(t, http.MethodDelete, mine+"/"+g.ID, nil, nil)
	}
	k.do(t, http.MethodGet, "/groups", nil, &all)
	for _, name := range groups {
		for _, g := range all {
			if g.Name == name {
				k.do(t, http.MethodPut, mine+"/"+g.ID, nil, nil)
			}
		}
	}
}

func (k *keycloak) Disable(t testing.TB, login string) {
	t.Helper()
	k.do(t, http.MethodPut, "/users/"+k.people[login], object{"enabled": false}, nil)
}

// RotateKeys makes a key and takes away those from before.
func (k *keycloak) RotateKeys(t testing.TB) {
	t.Helper()
	var old []struct{ ID, ProviderID string }
	k.do(t, http.MethodGet, "/components?type=org.keycloak.keys.KeyProvider", nil, &old)
	k.do(t, http.MethodPost, "/components", object{
		"name": "next", "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider",
		"parentId": "acme", "config": object{"priority": []string{"200"}},
	}, nil)
	for _, c := range old {
		if c.ProviderID == "rsa-generated" {
			k.do(t, http.MethodDelete, "/components/"+c.ID, nil, nil)
		}
	}
}

// Logout is the administrator's.
func (k *keycloak) Logout(t testing.TB, _ *oauthtest.Browser, login string) {
	t.Helper()
	k.do(t, http.MethodPost, "/users/"+k.people[login]+"/logout", nil, nil)
}

// do calls the Admin REST API about the realm.
func (k *keycloak) do(t testing.TB, method, path string, body, into any) {
	t.Helper()
	var sent io.Reader = http.NoBody
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		sent = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, k.origin+"/admin/realms/acme"+path, sent)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+k.token(t))
	if err := answer(http.DefaultClient.Do(r))(into); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
}

func (k *keycloak) token(t testing.TB) string {
	t.Helper()
	var got struct {
		Token string `json:"access_token"`
	}
	err := answer(http.PostForm(k.origin+"/realms/master/protocol/openid-connect/token", url.Values{
		"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {"admin"}, "password": {"admin"},
	}))(&got)
	if err != nil {
		t.Fatalf("sign in as administrator: %v", err)
	}
	return got.Token
}

// answer reads the JSON of a good answer, unless into is nil.
func answer(resp *http.Response, err error) func(into any) error {
	return func(into any) error {
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		switch {
		case err != nil:
			return err
		case resp.StatusCode/100 != 2:
			return fmt.Errorf("status %d: %s", resp.StatusCode, data)
		case into == nil:
			return nil
		}
		return json.Unmarshal(data, into)
	}
}
