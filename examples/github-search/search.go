package githubsearch

import (
	"context"
	"net/url"
	"strings"

	"github.com/postern-dev/postern/functions/mcp"
)

// A Query is the argument of search.
type Query struct {
	Query string `json:"query" jsonschema:"words to look for"`
}

// Results are what search returns.
type Results struct {
	Results []Result `json:"results"`
}

// A Result is a repository or an issue.
type Result struct {
	ID    string `json:"id" jsonschema:"what fetch takes: octocat/hello, or octocat/hello#3 for an issue"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

// each is how many repositories, and how many issues, a search returns.
const each = "10"

func (t tools) search(ctx context.Context, c mcp.Caller, in Query) (Results, error) {
	words := strings.TrimSpace(in.Query)
	if words == "" {
		return Results{}, mcp.Problem("say what to search for")
	}
	me, err := t.Profile(ctx, c) // by the login of today
	if err != nil {
		return Results{}, err
	}
	hub := hubOf(t.Deps, c)
	mine := " user:" + me.Login
	var repositories struct{ Items []repository }
	err = hub.get(ctx, "/search/repositories", url.Values{"q": {words + mine}, "per_page": {each}}, &repositories)
	if err != nil {
		return Results{}, err
	}
	var issues struct{ Items []issue }
	err = hub.get(ctx, "/search/issues", url.Values{"q": {words + " is:issue" + mine}, "per_page": {each}}, &issues)
	if err != nil {
		return Results{}, err
	}
	found := Results{Results: []Result{}}
	add := func(id string, title, address string) {
		// GitHub takes words such as user:hubot in the query for a wish to see theirs as well.
		if t, ok := parseThing(id); ok && strings.EqualFold(t.owner, me.Login) {
			found.Results = append(found.Results, Result{id, title, address})
		}
	}
	for _, r := range repositories.Items {
		add(r.FullName, strings.TrimSuffix(r.FullName+": "+r.Description, ": "), r.URL)
	}
	for _, i := range issues.Items {
		add(i.id(), i.Title, i.URL)
	}
	return found, nil
}
