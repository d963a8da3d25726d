package fastmcp

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
)

// Names of the collections that have registrations: FastMCP's own, which may stand behind a
// prefix, and that of stores from before FastMCP 2.13, which people wrote themselves.
const (
	ownCollection   = "mcp-oauth-proxy-clients"
	olderCollection = "oauth_clients"
)

// A Source says where a FastMCP server stored its state.
type Source struct {
	From       string // disk:DIR, file:DIR, redis://… or firestore:PROJECT
	Collection string // the one with the clients; empty means the one that has their name
}

// A document is what a store has under one key.
type document struct {
	key     string // what the store calls it, for messages
	client  string // the key that has the client_id in it, empty where keys do not say
	body    []byte // JSON
	expires time.Time
}

// documents returns what is in the collection with the clients.
func (s Source) documents(ctx context.Context) ([]document, error) {
	kind, rest, _ := strings.Cut(s.From, ":")
	switch {
	case kind == "disk" && rest != "":
		return readDisk(ctx, rest, s.Collection)
	case kind == "file" && rest != "":
		return readFiles(rest, s.Collection)
	case kind == "redis", kind == "rediss":
		return readRedis(ctx, s.From, s.Collection)
	case kind == "firestore" && rest != "":
		return readFirestore(ctx, rest, s.Collection)
	}
	return nil, cli.Usage("--from %q: want disk:DIR, file:DIR, redis://HOST:PORT/DB, rediss://… "+
		"or firestore:PROJECT or firestore:PROJECT/DATABASE", s.From)
}

// choose returns the collection to read: the one that was asked for, else the one of those
// there are that has clients by its name. Two of them are two servers', and nobody can know
// which one is meant.
func choose(there []string, asked string) (string, error) {
	slices.Sort(there)
	there = slices.Compact(there)
	if asked != "" {
		if !slices.Contains(there, asked) {
			return "", fmt.Errorf("there is no collection %q: there is %s", asked, listed(there))
		}
		return asked, nil
	}
	found := slices.DeleteFunc(slices.Clone(there), func(name string) bool {
		return name != olderCollection && name != ownCollection && !strings.HasSuffix(name, "__"+ownCollection)
	})
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("no collection has the name of FastMCP's clients (%s, or %s): there is %s; "+
			"say which with --collection", ownCollection, olderCollection, listed(there))
	}
	return "", cli.Usage("several collections have clients: %s; say which with --collection", listed(found))
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	const most = 20
	if len(names) > most {
		names = append(slices.Clone(names[:most]), "…")
	}
	return strings.Join(names, ", ")
}

// filedUnder reports whether a key may be that of a client. PrefixKeysWrapper and
// SingleCollectionWrapper put something in front.
func filedUnder(key, clientID string) bool {
	return key == "" || key == clientID || strings.HasSuffix(key, "__"+clientID)
}
