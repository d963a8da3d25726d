package githubsearch

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/postern-dev/postern/functions/mcp"
)

// An ID is the argument of fetch.
type ID struct {
	ID string `json:"id" jsonschema:"the id of a result of search"`
}

// A Document is what fetch returns.
type Document struct {
	ID       string            `json:"id"`
	Title    string            `json:"title"`
	Text     string            `json:"text"`
	URL      string            `json:"url"`
	Metadata map[string]string `json:"metadata"`
}

// A thing is what an id names: a repository, or an issue in it.
type thing struct{ owner, name, number string }

// The letters are those of GitHub's names: none of them leads to another address.
var ids = regexp.MustCompile(`^([A-Za-z0-9-]{1,39})/([A-Za-z0-9._-]{1,100})(?:#([1-9][0-9]{0,8}))?$`)

func parseThing(id string) (t thing, ok bool) {
	parts := ids.FindStringSubmatch(id)
	if parts == nil || parts[2] == "." || parts[2] == ".." {
		return thing{}, false
	}
	return thing{parts[1], parts[2], parts[3]}, true
}

func (t thing) path() string { return "/repos/" + t.owner + "/" + t.name }

func (t tools) fetch(ctx context.Context, c mcp.Caller, in ID) (Document, error) {
	what, ok := parseThing(in.ID)
	if !ok {
		return Document{}, mcp.Problem("that is no id of a search result")
	}
	me, err := t.Profile(ctx, c)
	if err != nil {
		return Document{}, err
	}
	read := readRepository
	if what.number != "" {
		read = readIssue
	}
	err = errNotFound
	var doc Document
	if strings.EqualFold(what.owner, me.Login) {
		doc, err = read(ctx, hubOf(t.Deps, c), what)
	}
	if errors.Is(err, errNotFound) {
		return Document{}, mcp.Problem("nothing of yours has this id, " +
			"or it may not be seen with the permission that was given")
	}
	doc.ID = in.ID
	return doc, err
}

func readRepository(ctx context.Context, h hub, what thing) (Document, error) {
	var r repository
	if err := h.get(ctx, what.path(), nil, &r); err != nil {
		return Document{}, err
	}
	var readme struct{ Content, Encoding string }
	err := h.get(ctx, what.path()+"/readme", nil, &readme)
	if err != nil && !errors.Is(err, errNotFound) { // a repository may have none
		return Document{}, err
	}
	text, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(readme.Content, "\n", ""))
	if err != nil {
		return Document{}, fmt.Errorf("read %s: its README: %w", r.FullName, err)
	}
	return Document{
		Title: r.FullName, URL: r.URL, Text: strings.TrimSpace(r.Description + "\n\n" + string(text)),
		Metadata: map[string]string{
			"kind": "repository", "visibility": r.Visibility, "language": r.Language,
			"updated": r.Updated.Format(time.DateOnly),
		},
	}, nil
}

func readIssue(ctx context.Context, h hub, what thing) (Document, error) {
	path := what.path() + "/issues/" + what.number
	var i issue
	if err := h.get(ctx, path, nil, &i); err != nil {
		return Document{}, err
	}
	var comments []struct {
		Body string
		User struct{ Login string }
	}
	if err := h.get(ctx, path+"/comments", nil, &comments); err != nil {
		return Document{}, err
	}
	var text strings.Builder
	text.WriteString(i.Body)
	for _, c := range comments {
		text.WriteString("\n\n" + c.User.Login + ": " + c.Body)
	}
	return Document{
		Title: i.Title, URL: i.URL, Text: strings.TrimSpace(text.String()),
		Metadata: map[string]string{
			"kind": "issue", "state": i.State, "author": i.User.Login, "updated": i.Updated.Format(time.DateOnly),
		},
	}, nil
}
