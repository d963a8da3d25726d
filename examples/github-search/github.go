package githubsearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/postern-dev/postern/functions/mcp"
)

// A repository is what is read of one of GitHub's.
type repository struct {
	FullName    string `json:"full_name"`
	Description string
	URL         string `json:"html_url"`
	Visibility  string
	Language    string
	Updated     time.Time `json:"updated_at"`
}

// An issue is what is read of one of GitHub's.
type issue struct {
	Number     int
	Title      string
	Body       string
	State      string
	URL        string `json:"html_url"`
	Repository string `json:"repository_url"`
	User       struct{ Login string }
	Updated    time.Time `json:"updated_at"`
}

// id is owner/name#number, of which the first two are the end of the repository's address.
func (i issue) id() string {
	parts := strings.Split(i.Repository, "/")
	if len(parts) < 2 {
		return ""
	}
	return strings.Join(parts[len(parts)-2:], "/") + "#" + strconv.Itoa(i.Number)
}

// errNotFound is GitHub's "there is no such thing, or you may not know of it".
var errNotFound = errors.New("GitHub has no such thing")

// A hub asks GitHub in a caller's name.
type hub struct {
	client *http.Client
	base   string
}

func hubOf(d mcp.Deps, c mcp.Caller) hub { return hub{d.Client(c), d.APIBase} }

func (h hub) get(ctx context.Context, path string, query url.Values, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.base+path+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return err
	}
	res, err := h.client.Do(r)
	if err != nil {
		return err // the person reads "sign in again" if that is what helps
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
		return json.NewDecoder(res.Body).Decode(into)
	case http.StatusNotFound:
		return errNotFound
	case http.StatusUnprocessableEntity:
		return mcp.Problem("GitHub does not understand this search: try plain words")
	case http.StatusForbidden, http.StatusTooManyRequests:
		return mcp.Problem("GitHub would not answer right now, for it was asked too often: try again in a minute")
	}
	return fmt.Errorf("GET %s: GitHub answered %s", path, res.Status)
}
