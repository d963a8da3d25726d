package fastmcp

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	goredis "github.com/redis/go-redis/v9"

	"github.com/postern-dev/postern/test/kit/emulator"
	"github.com/postern-dev/postern/test/kit/redis"
)

func TestMain(m *testing.M) { os.Exit(emulator.Run(m)) }

// Two servers share a Redis, one of them with PrefixCollectionsWrapper; somebody else's keys
// are beside theirs and among them, and nothing is changed.
func TestRedisOfTwoServers(t *testing.T) {
	t.Parallel()
	address := redis.Start(t)
	options, err := goredis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(options)
	defer client.Close()
	for key, value := range map[string]string{
		"mcp-oauth-proxy-clients::one":       entry("one"),
		"wiki__mcp-oauth-proxy-clients::two": entry("two"),
		"mcp-upstream-tokens::x":             `{"value": {"access_token": "gho_x"}}`,
		"session:4711":                       "not theirs",
	} {
		if err := client.Set(t.Context(), key, value, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.RPush(t.Context(), "wiki__mcp-oauth-proxy-clients::list", "a").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(t.Context(), Source{From: address}, nil); err == nil {
		t.Error("read one of two servers' collections, want to be asked which")
	}
	before := writes(t, client)
	got := skips(t, Source{From: address, Collection: "wiki__mcp-oauth-proxy-clients"})
	want := map[string]string{
		"wiki__mcp-oauth-proxy-clients::two": "<nil>", "wiki__mcp-oauth-proxy-clients::list": errNotClient.Error(),
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if after := writes(t, client); after != before {
		t.Errorf("got %s after reading, want %s", after, before)
	}
}

// writes returns how many changes the server has seen, as it says it.
func writes(t *testing.T, client *goredis.Client) string {
	t.Helper()
	info, err := client.Info(t.Context(), "persistence").Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(info) {
		if strings.HasPrefix(line, "rdb_changes_since_last_save:") {
			return line
		}
	}
	t.Fatalf("got no count of changes in %q", info)
	return ""
}

// A hand-written store keeps the SDK's registration as fields of a document, or as a text.
// Who has both that and FastMCP's own says which one is meant.
func TestFirestoreOfAHandWrittenStore(t *testing.T) {
	t.Parallel()
	project := emulator.Project(t)
	client, err := firestore.NewClient(t.Context(), project)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	put := func(collection, id string, fields map[string]any) {
		t.Helper()
		if _, err := client.Collection(collection).Doc(id).Set(t.Context(), fields); err != nil {
			t.Fatal(err)
		}
	}
	put("oauth_clients", "fields", map[string]any{
		"client_id": "fields", "client_secret": "a secret", "redirect_uris": []string{"https://app.example/cb"},
		"token_endpoint_auth_method": "client_secret_post", "client_id_issued_at": 1_760_000_000,
		"created": time.Now(), "client_name": "App",
	})
	put("oauth_clients", "text", map[string]any{
		"data": `{"client_id": "text", "redirect_uris": ["https://app.example/cb"]}`,
	})
	put("oauth_clients", "over", map[string]any{
		"client_id": "over", "redirect_uris": []string{"https://app.example/cb"},
		"expires_at": time.Now().Add(-time.Hour),
	})
	put("oauth_clients", "foreign", map[string]any{"theme": "dark", "nothing": nil})
	put("clients", "x", map[string]any{"body": "Postern's own"})
	got := skips(t, Source{From: "firestore:" + project})
	want := map[string]string{
		"fields": "<nil>", "text": "<nil>", "over": errExpired.Error(), "foreign": errNotClient.Error(),
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	put("mcp-oauth-proxy-clients", "new", map[string]any{"version": 1, "value": entry("new")})
	if _, err := Read(t.Context(), Source{From: "firestore:" + project}, nil); err == nil {
		t.Error("read one of two collections, want to be asked which")
	}
}

// skips returns why each document does not come, by its key.
func skips(t *testing.T, s Source) map[string]string {
	t.Helper()
	registrations, err := Read(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range registrations {
		got[r.Document] = fmt.Sprint(r.Skipped)
	}
	return got
}
