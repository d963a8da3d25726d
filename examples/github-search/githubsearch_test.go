package githubsearch

import (
	"encoding/json"
	"net/http/httputil"
	"net/url"
	"reflect"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp/mcptest"
	"github.com/postern-dev/postern/test/kit/oauthtest"
)

// start serves the example to octocat, whose token at GitHub has scopes.
func start(t *testing.T, scopes string) (*mcptest.Client, *oauthtest.GitHub) {
	t.Helper()
	fake := oauthtest.StartGitHub(t, nil)
	fake.AddRepository("octocat", oauthtest.Repository{
		Name: "Hello-World", Description: "My first repository", Readme: "# Hello\n\nIt greets the world.\n",
	})
	fake.AddRepository("octocat", oauthtest.Repository{
		Name: "diary", Description: "What I did in the world", Private: true,
		Issues: []oauthtest.Issue{{Title: "Monday", Body: "Saw the world.", Comments: []string{"All of it."}}},
	})
	fake.AddRepository("hubot", oauthtest.Repository{Name: "world", Description: "the world"})
	address, err := url.Parse(fake.URL)
	if err != nil {
		t.Fatal(err)
	}
	token := fake.IssueToken("octocat", scopes)
	api := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(address)
		r.Out.Header.Set("Authorization", "Bearer "+token)
	}}
	const octocat = "583231" // the number by which GitHub knows them
	return mcptest.Start(t, New, mcptest.API(api)).SignIn(octocat), fake
}

func search(me *mcptest.Client, words string) map[string]Result {
	var got Results
	me.Call("search", Query{words}, &got)
	byID := map[string]Result{}
	for _, r := range got.Results {
		byID[r.ID] = r
	}
	return byID
}

// What is found is the person's own, whatever words the query has, and can be fetched.
func TestSearchFindsWhatIsThePersonsOwn(t *testing.T) {
	t.Parallel()
	me, _ := start(t, "repo")
	for _, words := range []string{"world", "world user:hubot"} {
		found := search(me, words)
		for id, want := range map[string]Result{
			"octocat/Hello-World": {},
			"octocat/diary": {
				Title: "octocat/diary: What I did in the world", URL: "https://github.com/octocat/diary",
			},
			"octocat/diary#1": {Title: "Monday", URL: "https://github.com/octocat/diary/issues/1"},
		} {
			want.ID = id
			if got, ok := found[id]; words == "world" && id != "octocat/Hello-World" && got != want ||
				ok && !strings.HasPrefix(got.URL, "https://github.com/octocat/") {
				t.Errorf("%s: got %+v, want %+v", words, got, want)
			}
		}
		if len(found) == 0 || found["hubot/world"].ID != "" {
			t.Errorf("%s: got %v, want nothing of hubot", words, found)
		}
	}
	if got := me.Problem("search", Query{" "}); got != "say what to search for" {
		t.Errorf("got %q", got)
	}
}

// Without the scope repo, what is private does not exist.
func TestPrivateThingsNeedTheScope(t *testing.T) {
	t.Parallel()
	me, _ := start(t, "")
	if found := search(me, "repository"); len(found) != 1 || found["octocat/Hello-World"].ID == "" {
		t.Errorf("got %v, want what is public", found)
	}
	if found := search(me, "did"); len(found) != 0 {
		t.Errorf("got %v, want nothing", found)
	}
	if got := me.Problem("fetch", ID{"octocat/diary"}); !strings.Contains(got, "nothing of yours has this id") {
		t.Errorf("got %q", got)
	}
}

func TestFetchReturnsTheWholeText(t *testing.T) {
	t.Parallel()
	me, _ := start(t, "repo")
	for id, want := range map[string]Document{
		"octocat/Hello-World": {
			Title: "octocat/Hello-World", URL: "https://github.com/octocat/Hello-World",
			Text: "My first repository\n\n# Hello\n\nIt greets the world.",
		},
		"octocat/diary#1": {
			Title: "Monday", URL: "https://github.com/octocat/diary/issues/1",
			Text: "Saw the world.\n\noctocat: All of it.",
		},
	} {
		var got Document
		me.Call("fetch", ID{id}, &got)
		kind := got.Metadata["kind"]
		want.ID, want.Metadata, got.Metadata = id, nil, nil
		if !reflect.DeepEqual(got, want) || kind == "" {
			t.Errorf("%s: got %+v of kind %q, want %+v", id, got, kind, want)
		}
	}
	for _, id := range []string{
		"hubot/world", "octocat/none", "octocat/diary#2", "octocat/..", "octocat/a/b", "../user", "",
	} {
		if got := me.Problem("fetch", ID{id}); !strings.Contains(got, "id") {
			t.Errorf("%s: got %q", id, got)
		}
	}
}

// ChatGPT reads one item of text, which is the structured result as JSON.
func TestResultsHaveTheFormThatChatGPTReads(t *testing.T) {
	t.Parallel()
	me, _ := start(t, "repo")
	for tool, members := range map[string][]string{
		"search": {"results"}, "fetch": {"id", "title", "text", "url", "metadata"},
	} {
		arguments := map[string]any{"search": Query{"diary"}, "fetch": ID{"octocat/diary#1"}}[tool]
		res, err := me.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: arguments})
		if err != nil || len(res.Content) != 1 {
			t.Fatalf("%s: got %+v, %v; want one item", tool, res, err)
		}
		text, structured := map[string]any{}, res.StructuredContent.(map[string]any)
		if err := json.Unmarshal([]byte(res.Content[0].(*sdk.TextContent).Text), &text); err != nil {
			t.Fatal(err)
		}
		for _, m := range members {
			if text[m] == nil || structured[m] == nil {
				t.Errorf("%s: got %v and %v, want %s in both", tool, text, structured, m)
			}
		}
	}
}

// A search that GitHub cannot read, and an outage, are told apart.
func TestTroubleAtGitHubIsSaid(t *testing.T) {
	t.Parallel()
	me, fake := start(t, "repo")
	fake.Outage("/search/issues", oauthtest.Fault{Status: 422, Body: `{"message":"Validation Failed"}`})
	if got := me.Problem("search", Query{"world"}); !strings.Contains(got, "try plain words") {
		t.Errorf("422: got %q", got)
	}
	fake.Outage("/search/repositories", oauthtest.Fault{Status: 429, Body: `{"message":"slow down"}`})
	if got := me.Problem("search", Query{"world"}); !strings.Contains(got, "try again in a minute") {
		t.Errorf("429: got %q", got)
	}
	fake.RevokeTokens("octocat")
	if got := me.Problem("search", Query{"world"}); !strings.Contains(got, "sign in again") {
		t.Errorf("a dead token: got %q", got)
	}
}
