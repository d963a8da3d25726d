package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/keyring"
	"github.com/postern-dev/postern/cmd/postern/internal/operator"
	"github.com/postern-dev/postern/cmd/postern/internal/secretmanager/secretmanagertest"
	"github.com/postern-dev/postern/shared/credential"
	"github.com/postern-dev/postern/shared/fernet"
	"github.com/postern-dev/postern/shared/keyfile"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/seal"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/store/embedded"
)

// The operator's commands are tried by scripts: testdata/operator. Each begins with a
// server of one person with two grants, one with one, and a client that nobody used.
func TestOperator(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "operator"),
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"postern":  scriptPostern,
			"misuse":   scriptMisuse,
			"answered": scriptAnswered,
			"bare":     scriptBare,
			"seed":     scriptSeed,
		},
	})
}

// run runs a command line where nobody can be asked, and returns what it wrote.
func run(ctx context.Context, args ...string) (stdout, stderr string, err error) {
	return runWith(ctx, nil, args...)
}

// runWith is run with an output that prepare changes first.
func runWith(ctx context.Context, prepare func(*cli.Output), args ...string) (stdout, stderr string, err error) {
	var out, errOut bytes.Buffer
	o := cli.New(strings.NewReader(""), &out, &errOut)
	if prepare != nil {
		prepare(o)
	}
	err = execute(ctx, o, args)
	return out.String(), errOut.String(), err
}

// scriptPostern runs a command over the script's store and rings: data, data/keys.
func scriptPostern(ts *testscript.TestScript, neg bool, args []string) {
	scriptBare(ts, neg, append(args, "--store", "embedded:"+ts.MkAbs("data")))
}

// scriptBare runs a command without a store named.
func scriptBare(ts *testscript.TestScript, neg bool, args []string) {
	out, errOut, err := run(context.Background(), args...)
	record(ts, out, errOut, err)
	if (err != nil) != neg {
		ts.Fatalf("postern %s: %v", strings.Join(args, " "), err)
	}
}

// scriptMisuse runs a command that must end with the exit status of a wrong command line.
func scriptMisuse(ts *testscript.TestScript, _ bool, args []string) {
	out, errOut, err := run(context.Background(), append(args, "--store", "embedded:"+ts.MkAbs("data"))...)
	record(ts, out, errOut, err)
	if cli.Status(err) != cli.Misuse {
		ts.Fatalf("postern %s: exit status %d, want %d: %v", strings.Join(args, " "), cli.Status(err), cli.Misuse, err)
	}
}

// scriptAnswered runs a command before a person who answers its question.
func scriptAnswered(ts *testscript.TestScript, neg bool, args []string) {
	out, errOut, err := runWith(context.Background(), func(o *cli.Output) {
		o.In, o.Interactive = strings.NewReader(args[0]+"\n"), true
	}, append(args[1:], "--store", "embedded:"+ts.MkAbs("data"))...)
	record(ts, out, errOut, err)
	if (err != nil) != neg {
		ts.Fatalf("postern %s: %v", strings.Join(args[1:], " "), err)
	}
}

// record lets a script see what a command wrote, its error as main would write it.
func record(ts *testscript.TestScript, out, errOut string, err error) {
	io.WriteString(ts.Stdout(), out)
	io.WriteString(ts.Stderr(), errOut)
	if err != nil {
		fmt.Fprintln(ts.Stderr(), "postern:", err)
	}
}

func scriptSeed(ts *testscript.TestScript, _ bool, _ []string) {
	ids, err := seed(context.Background(), ts.MkAbs("data"))
	ts.Check(err)
	for name, id := range ids {
		ts.Setenv(name, id)
	}
}

// seed makes rings and records in dir, and returns their ids by name.
func seed(ctx context.Context, dir string) (map[string]string, error) {
	keys := filepath.Join(dir, "keys")
	if _, _, err := run(ctx, "keys", "create", "--keys", keys); err != nil {
		return nil, err
	}
	d, err := embedded.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	ring := keyfile.New(keyring.NewFiles(keys).Path(keyring.Fernet), fernet.ParseKeyring, nil)
	s, err := store.New(d, seal.NewBox(ring, nil), store.Lifetimes{}, nil)
	if err != nil {
		return nil, err
	}
	ids := map[string]string{}
	rings := (&keyring.Store{Backend: keyring.NewFiles(keys)}).Status(ctx)
	ids["FERNET"], ids["SIGNING"] = rings[0].Keys[0].Key, rings[1].Keys[0].Key
	for _, name := range []string{"EDITOR", "CHAT", "NOBODY"} {
		c := store.Client{ID: "c_" + strings.ToLower(name), Metadata: oauth.ClientMetadata{
			ClientName: name, RedirectURIs: []string{"http://127.0.0.1/cb"},
			TokenEndpointAuthMethod: oauth.AuthMethodNone, GrantTypes: oauth.SupportedGrantTypes(),
		}}
		if _, err := s.RegisterClient(ctx, c); err != nil {
			return nil, err
		}
		ids[name], ids[name+"_DOCUMENT"] = c.ID, store.ClientDocument(c.ID)
	}
	for _, g := range []struct{ name, client, login string }{
		{"GRANT1", "c_editor", "octocat"}, {"GRANT2", "c_chat", "octocat"}, {"GRANT3", "c_chat", "mona"},
		{"", "c_chat", "octocat"},
	} {
		id, err := signIn(ctx, s, g.client, g.login, g.name != "")
		if err != nil {
			return nil, err
		}
		if g.name != "" {
			ids[g.name], ids[g.name+"_DOCUMENT"] = id, store.GrantDocument(id)
		}
	}
	return ids, s.NoteRefusal(ctx, "github:42", "stranger")
}

// signIn issues a code and, if asked to, redeems it. It returns the grant's id.
func signIn(ctx context.Context, s *store.Store, clientID, name string, redeem bool) (string, error) {
	code := credential.New("code_")
	now := time.Now()
	login := store.Login{Code: code, Until: now.Add(time.Hour), UpstreamToken: []byte(`{"canary":"gho_canary"}`)}
	login.Record = store.Code{
		ClientID: clientID, RedirectURI: "http://127.0.0.1/cb", Scopes: oauth.Scopes{"mcp"},
		Resource: "https://auth.example.com/mcp",
		Person:   store.Person{Subject: "github:" + name, Login: name, AllowedBy: "user:" + name, Checked: now},
		Issued:   now, Expiry: now.Add(time.Hour),
	}
	err := s.IssueCode(ctx, login, func(store.Client) error { return nil })
	if err != nil || !redeem {
		return "", err
	}
	c, err := s.Client(ctx, clientID)
	if err != nil {
		return "", err
	}
	red, _, err := s.RedeemCode(ctx, code, "", c, func(store.Code) error { return nil })
	return red.Grant.ID, err
}

// The commands do the same through Secret Manager, and the operator opens records with
// the ring there.
func TestOperatorWithSecretManager(t *testing.T) {
	server := secretmanagertest.Start(t, "acme-mcp", keyring.Names()...)
	t.Setenv("SECRETMANAGER_EMULATOR_HOST", server.Address)
	dir := t.TempDir()
	must := func(args ...string) string {
		t.Helper()
		out, errOut, err := run(t.Context(), append(args, "--store", "embedded:"+dir, "--project", "acme-mcp")...)
		if err != nil {
			t.Fatalf("postern %s: %v\n%s", strings.Join(args, " "), err, errOut)
		}
		return out
	}
	must("keys", "create")
	// A store begins with its first record, here one of another ring's server.
	if _, err := seed(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	must("keys", "reseal", "--remove-unreadable", "--yes")
	must("clients", "add", "--name", "Wiki", "--redirect-uri", "https://wiki.example.com/cb")
	before := must("keys", "status", "--count")
	must("keys", "stage", keyring.Fernet)
	must("keys", "promote", keyring.Fernet, "--early")
	must("keys", "reseal")
	if out := must("clients", "list"); !strings.Contains(out, "Wiki") {
		t.Errorf("after a new key: got %s, want the client", out)
	}
	after := must("keys", "status", "--count")
	if after == before || strings.Count(after, "1 client") != 1 || !strings.Contains(after, "no records") {
		t.Errorf("got %s, want the client sealed with the new key", after)
	}
}

// A scheme that REDIRECT_SCHEMES does not take is refused when the operator names it, not at
// the next sign-in. A client of before the setting may still be renamed.
func TestClientsKeepToRedirectSchemes(t *testing.T) {
	dir := t.TempDir()
	if _, err := seed(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	clients := func(args ...string) error {
		_, _, err := run(t.Context(), append([]string{"clients", "--store", "embedded:" + dir}, args...)...)
		return err
	}
	if err := clients("update", "c_chat", "--redirect-uri", "com.example.chat:/cb"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("REDIRECT_SCHEMES", "cursor")
	for _, args := range [][]string{
		{"add", "--name", "Other", "--redirect-uri", "com.example.other:/cb"},
		{"update", "c_chat", "--redirect-uri", "com.example.other:/cb"},
	} {
		if err := clients(args...); err == nil || !strings.Contains(err.Error(), "it takes cursor") {
			t.Errorf("%v: got %v, want it refused with the schemes that are taken", args, err)
		}
	}
	for _, args := range [][]string{
		{"add", "--name", "Cursor", "--redirect-uri", "cursor://callback"},
		{"update", "c_chat", "--name", "Renamed"},
	} {
		if err := clients(args...); err != nil {
			t.Errorf("%v: got %v, want it done", args, err)
		}
	}
}

// Of all that the commands show, only the one secret that is to be shown once is one (LG-01). Rings,
// upstream tokens and refresh secrets stay where they are.
func TestCommandsShowNoSecret(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	ids, err := seed(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, line := range []string{
		"clients list", "clients show c_chat", "grants list --ended", "grants show " + ids["GRANT1"], "users",
		"users show octocat", "stats", "keys status --count", "keys stage fernet-keys",
		"keys promote fernet-keys --early", "keys reseal", "grants revoke --user octocat --yes",
		"clients delete c_chat --yes",
	} {
		for _, format := range []string{"--json=false", "--json"} {
			out, errOut, err := run(t.Context(), append(strings.Fields(line), format, "--store", "embedded:"+dir)...)
			all.WriteString(out + errOut)
			if err != nil {
				all.WriteString(err.Error())
			}
		}
	}
	ring, err := (&keyring.Store{Backend: keyring.NewFiles(filepath.Join(dir, "keys"))}).Fernet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	canaries := []string{"gho_canary", "rt_", "code_", "gAAAA"}
	for _, key := range ring {
		canaries = append(canaries, key.Encode()[:16])
	}
	for _, canary := range canaries {
		if strings.Contains(all.String(), canary) {
			t.Errorf("%q is in what the commands show", canary)
		}
	}
}

// The shell completes ids, each with what it stands for.
func TestCompletionKnowsClientsAndKeys(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := seed(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"clients show": "c_editor\tEDITOR", "grants revoke": "\toctocat EDITOR",
		"keys retire": "\tfernet-keys writes", "keys stage": "signing-keys",
	} {
		args := append([]string{"__complete"}, strings.Fields(line)...)
		out, _, err := run(t.Context(), append(args, "--store", "embedded:"+dir, "")...)
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%s: got %q, %v, want %q", line, out, err, want)
		}
	}
}

// An interrupted walk leaves every record readable, and what is left is done from the
// place it printed.
func TestInterruptedResealGoesOn(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := seed(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	o := operator.Options{Store: "embedded:" + dir}
	d, err := o.Open(t.Context(), cli.New(strings.NewReader(""), io.Discard, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	backend := keyring.NewFiles(filepath.Join(dir, "keys"))
	c := &keyring.Store{Backend: backend}
	if _, err := c.Stage(t.Context(), keyring.Fernet); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Promote(t.Context(), keyring.Fernet, "", true); err != nil {
		t.Fatal(err)
	}
	ring, err := c.Fernet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const records = 13
	place, resealed := operator.Place{}, 0
	for runs := 1; ; runs++ {
		ctx, stop := context.WithCancel(t.Context())
		seen := 0
		done, err := d.Reseal(ctx, ring, place, func(r operator.Resealed) {
			if seen++; seen == 5 {
				stop()
			}
		})
		stop()
		for _, report := range done.Reports {
			resealed += report.Resealed
		}
		if err == nil {
			if runs != 3 {
				t.Errorf("got %d runs, want 3 of five records at most", runs)
			}
			break
		}
		if seen != 5 {
			t.Fatal(err)
		}
		if place, err = operator.ParsePlace(done.Last.String()); err != nil {
			t.Fatal(err)
		}
	}
	usage, err := d.Usage(t.Context(), ring[:1])
	if err != nil || resealed != records || usage[""] != nil {
		t.Errorf("sealed %d again, left %v, %v; want %d and none", resealed, usage[""], err, records)
	}
}

func TestIDThatBeginsWithADashIsNoFlag(t *testing.T) {
	t.Parallel()
	id := "-" + strings.Repeat("a", 42)
	for line, want := range map[string]string{
		"grants show ID --json":           "grants show --json -- ID",
		"grants list --client ID":         "grants list --client ID",
		"grants revoke -- ID":             "grants revoke -- ID",
		"grants show c_1 --store x":       "grants show c_1 --store x",
		"__complete grants show ID":       "__complete grants show ID",
		"keys retire ID --now --keys dir": "keys retire --now --keys dir -- ID",
	} {
		got := strings.Join(idsLast(strings.Fields(strings.ReplaceAll(line, "ID", id))), " ")
		if got = strings.ReplaceAll(got, id, "ID"); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
	_, _, err := run(t.Context(), "grants", "show", id, "--store", "embedded:"+t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "no store") {
		t.Errorf("got %v, want it to come as far as the store", err)
	}
}

// Where several deployments share a project, the rings of one are found by its prefix.
func TestKeysOfADeploymentWithAPrefix(t *testing.T) {
	server := secretmanagertest.Start(t, "acme-mcp",
		"tools-fernet-keys", "tools-signing-keys", "tools-verification-keys", "tools-identity-keys")
	t.Setenv("SECRETMANAGER_EMULATOR_HOST", server.Address)
	out, errOut, err := run(t.Context(), "keys", "create", "--project", "acme-mcp", "--name-prefix", "tools")
	if err != nil || !strings.Contains(out, "created fernet-keys, ") {
		t.Errorf("with the prefix: %v\n%s%s", err, out, errOut)
	}
	_, _, err = run(t.Context(), "keys", "create", "--project", "acme-mcp")
	if err == nil || !strings.Contains(err.Error(), "secret fernet-keys: ") {
		t.Errorf("without it: got %v, want that there is no fernet-keys", err)
	}
	_, _, err = run(t.Context(), "keys", "create", "--name-prefix", "tools")
	if err == nil || !strings.Contains(err.Error(), "--project") {
		t.Errorf("without a project: got %v, want that --project is missing", err)
	}
}
