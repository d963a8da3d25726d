package behind

import (
	"slices"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/config"
)

func reader(values map[string]string) *config.Reader { return config.Read(config.Map(values)) }

// An entry says where a server is, what it is called, and how it is called.
func TestServers(t *testing.T) {
	t.Parallel()
	r := reader(map[string]string{
		"SCOPES": `[{"name":"admin","words":"delete"}]`,
		"MCP_UPSTREAMS": `[{"name":"wiki","url":"https://wiki.example.com/mcp"},
			{"name":"crm","url":"https://crm.example.com","title":"Customers","scopes":[{"name":"edit","words":"edit"}],
			 "identity":"headers","credential":{"header":"x-api-key","file":"/secrets/crm/value"},
			 "provider_token":"x-github-token","cloud_run":"https://crm-abc-ew.a.run.app","groups":["org:acme"],
			 "tools":{"allow":["a*"],"need":[{"match":["ab"],"scope":"edit","group":"team:acme/ops"}]}}]`,
		"MCP_UPSTREAM_OPTIONS": `{"identity":"none",
			"prompts":{"need":[{"match":["*"],"scope":"admin","group":"org:acme"}]}}`,
	})
	servers := Servers(r)
	if err := r.Err(); err != nil || len(servers) != 2 {
		t.Fatalf("got %v, %v; want two servers", servers, err)
	}
	wiki, crm := servers[0], servers[1]
	if wiki.Path != "/mcp/wiki" || wiki.Title != "wiki" || wiki.Identity != JWT || wiki.Filters() ||
		wiki.URL.String() != "https://wiki.example.com/mcp" {
		t.Errorf("got %+v, want the defaults", wiki)
	}
	if crm.Path != "/mcp/crm" || crm.Title != "Customers" || crm.Identity != Headers || !crm.Filters() ||
		crm.Credential != (Credential{"X-Api-Key", "/secrets/crm/value"}) || crm.ProviderToken != "X-Github-Token" ||
		crm.CloudRun != "https://crm-abc-ew.a.run.app" || crm.Scopes.Known().String() != "mcp edit" {
		t.Errorf("got %+v, want what the entry says", crm)
	}
	if first := First(r); first.Identity != None || !first.Filters() {
		t.Errorf("got %+v, want what the options say", first)
	}
	if got := Groups(r); !slices.Equal(got, []string{"org:acme", "team:acme/ops"}) {
		t.Errorf("got groups %v, want those of all servers, each once", got)
	}
	if got := HandedOn(r); !slices.Equal(got, []string{"/mcp/crm"}) {
		t.Errorf("got %v, want the path of the server that is handed people's tokens", got)
	}
	var paths []string
	for _, resource := range Resources(r).All() {
		paths = append(paths, resource.Path+"="+resource.Scopes.Known().String())
	}
	if want := "/mcp=mcp admin, /mcp/wiki=mcp, /mcp/crm=mcp edit"; strings.Join(paths, ", ") != want {
		t.Errorf("got resources %s, want %s", paths, want)
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
}

// What cannot be is named, in words that say what to write instead.
func TestCallingsThatCannotBe(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[]`:                                 "it has identity, credential",
		`{"identity":"basic"}`:               "identity must be jwt, headers or none",
		`{"secret":"canary"}`:                "a member is not known here: it has identity",
		`{"cloud_run":"x"}`:                  "cloud_run must be the URL of the service",
		`{"cloud_run":"http://127.0.0.1:1"}`: "cloud_run must be",
		`{"credential":{"header":"X-Key"}}`:  "credential needs a file",
		`{"credential":{"header":"X-Key","file":"-\ncanary"}}`:                  "credential needs a file",
		`{"credential":{"header":"X Key","file":"x"}}`:                          "credential cannot be the header",
		`{"credential":{"file":"x"}}`:                                           "credential cannot be the header",
		`{"credential":{"header":"mcp-session-id","file":"x"}}`:                 "credential cannot be the header",
		`{"credential":{"header":"content-length","file":"x"}}`:                 "credential cannot be the header",
		`{"credential":{"header":"x-serverless-authorization","file":"x"}}`:     "credential cannot be the header",
		`{"credential":{"header":"authorization","file":"x"}}`:                  "Authorization, which is taken",
		`{"identity":"headers","provider_token":"x-auth-request-email"}`:        "X-Auth-Request-Email, which is taken",
		`{"credential":{"header":"X-Key","file":"x"},"provider_token":"x-key"}`: "X-Key, which is taken",
		`{"tools":{"need":[{"match":["a"]}]}}`:                                  "tools: a need has neither",
		`{"prompts":{"need":[{"scope":"admin"}]}}`:                              "prompts: a need has no match",
		`{"resources":{"need":[{"match":["a"],"scope":"x"}]}}`:                  `resources: it needs the scope "x"`,
		`{"tools":{"allow":[""]}}`:                                              "tools: a pattern is empty",
	} {
		r := reader(map[string]string{"MCP_UPSTREAM_OPTIONS": text})
		First(r)
		err := r.Err()
		if err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), "MCP_UPSTREAM_OPTIONS") {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v, want no secret in it", text, err)
		}
	}
}
