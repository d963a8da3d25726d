package oauthtest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Repository belongs to one account. A private one is seen by its owner alone, and only
// by a token with the scope repo.
type Repository struct {
	Name, Description, Readme string // no README if that is empty
	Private                   bool
	Issues                    []Issue // numbered from 1
}

// An Issue is one of a repository; it is open, and the owner wrote it.
type Issue struct {
	Title, Body string
	Comments    []string // by the owner
}

type repository struct {
	Repository
	id    int64
	owner int64
}

// AddRepository adds a repository of a login, which is signed up if it is new.
func (g *GitHub) AddRepository(owner string, r Repository) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.repositories = append(g.repositories, &repository{r, int64(len(g.repositories)) + 1296269, g.idOf(owner)})
}

func (g *GitHub) handleRepositories(mux *http.ServeMux) {
	mux.HandleFunc("GET /search/repositories", g.api("", g.searchRepositories))
	mux.HandleFunc("GET /search/issues", g.api("", g.searchIssues))
	mux.HandleFunc("GET /repos/{owner}/{repo}", g.ofRepository(g.getRepository))
	mux.HandleFunc("GET /repos/{owner}/{repo}/readme", g.ofRepository(g.getReadme))
	mux.HandleFunc("GET /repos/{owner}/{repo}/issues/{number}", g.ofRepository(g.getIssue))
	mux.HandleFunc("GET /repos/{owner}/{repo}/issues/{number}/comments", g.ofRepository(g.getComments))
}

// sees reports whether a call may know of a repository.
func (g *GitHub) sees(r *http.Request, a *account, repo *repository) bool {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return !repo.Private || repo.owner == a.ID && g.tokens[token].scopes.allows("repo")
}

// ofRepository is api for what is below one repository: what may not be seen is not there.
func (g *GitHub) ofRepository(f func(*http.Request, *repository) answer) http.HandlerFunc {
	return g.api("", func(_ http.ResponseWriter, r *http.Request, a *account) answer {
		for _, repo := range g.repositories {
			mine := strings.EqualFold(g.accounts[repo.owner].Login, r.PathValue("owner"))
			if mine && strings.EqualFold(repo.Name, r.PathValue("repo")) && g.sees(r, a, repo) {
				return f(r, repo)
			}
		}
		return notFound
	})
}

var day = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func (g *GitHub) fullName(repo *repository) string {
	return g.accounts[repo.owner].Login + "/" + repo.Name
}

func (g *GitHub) person(id int64) map[string]any {
	return map[string]any{"login": g.accounts[id].Login, "id": id, "type": "User"}
}

func (g *GitHub) shownRepository(repo *repository) map[string]any {
	name, visibility := g.fullName(repo), "public"
	if repo.Private {
		visibility = "private"
	}
	return map[string]any{
		"id": repo.id, "name": repo.Name, "full_name": name, "private": repo.Private, "visibility": visibility,
		"owner": g.person(repo.owner), "html_url": "https://github.com/" + name, "url": g.URL + "/repos/" + name,
		"description": repo.Description, "fork": false, "archived": false, "language": "Go", "default_branch": "main",
		"stargazers_count": 3, "open_issues_count": len(repo.Issues),
		"created_at": day, "updated_at": day, "pushed_at": day,
	}
}

func (g *GitHub) shownIssue(repo *repository, number int) map[string]any {
	name, issue := g.fullName(repo), repo.Issues[number-1]
	return map[string]any{
		"id": repo.id*1000 + int64(number), "number": number, "title": issue.Title, "body": issue.Body, "state": "open",
		"user": g.person(repo.owner), "labels": []any{}, "comments": len(issue.Comments),
		"html_url":       fmt.Sprintf("https://github.com/%s/issues/%d", name, number),
		"repository_url": g.URL + "/repos/" + name,
		"created_at":     day, "updated_at": day, "closed_at": nil,
	}
}

func (g *GitHub) getRepository(_ *http.Request, repo *repository) answer {
	return answer{http.StatusOK, g.shownRepository(repo)}
}

// getReadme answers as GitHub does: Base64 in lines of 60.
func (g *GitHub) getReadme(_ *http.Request, repo *repository) answer {
	if repo.Readme == "" {
		return notFound
	}
	var content strings.Builder
	for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString([]byte(repo.Readme))), 60) {
		content.Write(line)
		content.WriteByte('\n')
	}
	return answer{http.StatusOK, map[string]any{
		"type": "file", "name": "README.md", "path": "README.md", "size": len(repo.Readme),
		"encoding": "base64", "content": content.String(),
		"html_url": "https://github.com/" + g.fullName(repo) + "/blob/main/README.md",
	}}
}

func issueNumber(r *http.Request, repo *repository) (int, bool) {
	n, err := strconv.Atoi(r.PathValue("number"))
	return n, err == nil && n >= 1 && n <= len(repo.Issues)
}

func (g *GitHub) getIssue(r *http.Request, repo *repository) answer {
	n, ok := issueNumber(r, repo)
	if !ok {
		return notFound
	}
	return answer{http.StatusOK, g.shownIssue(repo, n)}
}

func (g *GitHub) getComments(r *http.Request, repo *repository) answer {
	n, ok := issueNumber(r, repo)
	if !ok {
		return notFound
	}
	list := []map[string]any{}
	for i, text := range repo.Issues[n-1].Comments {
		list = append(list, map[string]any{"id": i + 1, "body": text, "user": g.person(repo.owner), "created_at": day})
	}
	return answer{http.StatusOK, list}
}

// A query is what a search reads of q: words, all of which have to be there, and owners, any
// of whom will do.
type query struct{ words, owners []string }

func readQuery(q string) (out query) {
	for word := range strings.FieldsSeq(q) {
		name, value, qualifier := strings.Cut(word, ":")
		switch {
		case qualifier && name == "user":
			out.owners = append(out.owners, strings.ToLower(value))
		case !qualifier:
			out.words = append(out.words, strings.ToLower(strings.Trim(word, `"`)))
		}
	}
	return out
}

func (q query) finds(owner, text string) bool {
	text = strings.ToLower(text)
	missing := func(word string) bool { return !strings.Contains(text, word) }
	return (len(q.owners) == 0 || slices.Contains(q.owners, strings.ToLower(owner))) &&
		!slices.ContainsFunc(q.words, missing)
}

// found answers a search with a page of what was found; without a query it is 422.
func found(r *http.Request, items []map[string]any) answer {
	if strings.TrimSpace(r.FormValue("q")) == "" {
		return answer{http.StatusUnprocessableEntity, message("Validation Failed")}
	}
	for _, item := range items {
		item["score"] = 1
	}
	page := items[:min(len(items), positive(r.FormValue("per_page"), 30), 100)]
	return answer{http.StatusOK, map[string]any{
		"total_count": len(items), "incomplete_results": false, "items": append([]map[string]any{}, page...),
	}}
}

func (g *GitHub) searchRepositories(_ http.ResponseWriter, r *http.Request, a *account) answer {
	q := readQuery(r.FormValue("q"))
	var items []map[string]any
	for _, repo := range g.repositories {
		if g.sees(r, a, repo) && q.finds(g.accounts[repo.owner].Login, repo.Name+" "+repo.Description) {
			items = append(items, g.shownRepository(repo))
		}
	}
	return found(r, items)
}

// searchIssues wants to be told issues from pull requests, as GitHub does of apps.
func (g *GitHub) searchIssues(_ http.ResponseWriter, r *http.Request, a *account) answer {
	if !slices.Contains(strings.Fields(r.FormValue("q")), "is:issue") {
		return answer{http.StatusUnprocessableEntity, message("Query must include 'is:issue' or 'is:pull-request'")}
	}
	q := readQuery(r.FormValue("q"))
	var items []map[string]any
	for _, repo := range g.repositories {
		for i, issue := range repo.Issues {
			text := strings.Join(slices.Concat(issue.Comments, []string{issue.Title, issue.Body}), " ")
			if g.sees(r, a, repo) && q.finds(g.accounts[repo.owner].Login, text) {
				items = append(items, g.shownIssue(repo, i+1))
			}
		}
	}
	return found(r, items)
}
