package bench

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
)

// collector are the garbage collector's settings of both sides of every ratio: those that a
// function has in its container (docs/design.md, "Limits").
var collector = map[string]string{"GOGC": "400"}

// A deployment is postern dev, which signs in, and functions beside it on its records and keys.
type deployment struct {
	*rig.Server
	store map[string]string // the settings that name it
}

// deploy starts a deployment over a store that settings name, or the embedded one for nil.
func deploy(b *testing.B, store map[string]string) deployment {
	b.Helper()
	d := deployment{Server: rig.Start(b, rig.Options{Settings: store}), store: store}
	if store == nil {
		d.store = map[string]string{"STORE": "embedded:" + d.Data()}
	}
	return d
}

// signIn returns a client of somebody who signed in.
func (d deployment) signIn(b *testing.B) *rig.App {
	b.Helper()
	app := rig.NewApp(d.Server)
	if err := app.Register(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	if err := app.SignIn(b.Context(), d.Browser(rig.RedirectURI), "octocat"); err != nil {
		b.Fatal(err)
	}
	return app
}

// serve starts a function's program beside the deployment.
func (d deployment) serve(b *testing.B, name, program string, more map[string]string) side {
	b.Helper()
	keys := filepath.Join(d.Data(), "keys")
	env := map[string]string{
		"ISSUER_URL": d.URL, "IDENTITY_PROVIDER": "development", "ALLOW": "anyone",
		"FERNET_KEYS_FILE":       filepath.Join(keys, "fernet-keys"),
		"SIGNING_KEYS_FILE":      filepath.Join(keys, "signing-keys.json"),
		"VERIFICATION_KEYS_FILE": filepath.Join(keys, "verification-keys.json"),
		"IDENTITY_KEYS_FILE":     filepath.Join(keys, "identity-keys.json"),
	}
	for _, part := range []map[string]string{collector, d.store, more} {
		maps.Copy(env, part)
	}
	return serve(b, measured, rig.Command{Name: name, Path: program, Env: env})
}

// post is a request of a client, as bytes.
func (d deployment) post(path string, header map[string]string, body string) []byte {
	return post(strings.TrimPrefix(d.URL, "http://"), path, header, body)
}

func post(host, path string, header map[string]string, body string) []byte {
	var lines strings.Builder
	for name, value := range header {
		fmt.Fprintf(&lines, "%s: %s\r\n", name, value)
	}
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %d\r\n\r\n%s",
		path, host, lines.String(), len(body), body)
}

// call is a call of a tool with a token.
func (d deployment) call(app *rig.App, tool, args string) []byte {
	return d.post("/mcp", map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
		"Authorization": "Bearer " + app.AccessToken,
	}, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`+tool+`","arguments":`+args+`}}`)
}

// echo is a call of the tool of ./echo and ./sdk.
func (d deployment) echo(app *rig.App) []byte { return d.call(app, "echo", `{"text":"hello"}`) }

// page asks for the page of /authorize, as a client sends people there.
func (d deployment) page(app *rig.App) []byte {
	address, _, _ := app.AuthorizeURL()
	path := strings.TrimPrefix(address, d.URL)
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, strings.TrimPrefix(d.URL, "http://"))
}

// refresh is a refresh of a public client.
func refresh(host, client, token string) []byte {
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {client}, "refresh_token": {token}}
	return post(host, "/token", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, form.Encode())
}

// platformsMain is what the platform starts a function with.
const platformsMain = `package main

import (
	"log"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"

	_ "github.com/postern-dev/postern/functions/%s"
)

func main() { log.Fatal(funcframework.StartHostPort("127.0.0.1", os.Getenv("PORT"))) }
`

// deployed builds a function as it is deployed: under the platform's main, with Firestore's
// driver alone. FUNCTION_TARGET has to name it.
func deployed(b *testing.B, name string) string {
	b.Helper()
	dir := b.TempDir()
	main, overlay := filepath.Join(dir, "main.go"), filepath.Join(dir, "overlay.json")
	program := filepath.Join(dir, name)
	replaced := filepath.Join(rig.Root(b), "functions", name, "cmd", "main.go")
	for file, text := range map[string]string{
		main: fmt.Sprintf(platformsMain, name), overlay: fmt.Sprintf(`{"Replace": {%q: %q}}`, replaced, main),
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	cmd := exec.CommandContext(b.Context(),
		"go", "build", "-overlay", overlay, "-o", program, "./functions/"+name+"/cmd")
	cmd.Dir = rig.Root(b)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return program
}
