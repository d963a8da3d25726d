package mcptest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp"
	"github.com/postern-dev/postern/functions/mcp/mcptest"
)

// A caller cannot have an author's function run as often as a message has room for: a stream
// agrees to a hundred resources, and says to which (SUB-01).
func TestAStreamTellsOfSoManyResourcesAtMost(t *testing.T) {
	t.Parallel()
	e := mcptest.Start(t, serving(
		mcp.NewTemplate(sdk.ResourceTemplate{Name: "t", URITemplate: "t://{x}"},
			func(context.Context, mcp.Caller, string) (*sdk.ResourceContents, error) { return nil, nil }).
			Watched(func(ctx context.Context, _ mcp.Caller, _ string, _ func()) error { <-ctx.Done(); return nil }),
	))
	var wanted []string
	for i := range 1000 {
		wanted = append(wanted, fmt.Sprintf(`"t://%d"`, i))
	}
	const method = "subscriptions/listen"
	res := open(t, e, e.Token("octocat"), `{"jsonrpc":"2.0","id":"s","method":"`+method+`",`+
		`"params":{"notifications":{"resourceSubscriptions":[`+strings.Join(wanted, ",")+`]}`+metaOf("")+`}}`,
		headersOf(method, "")...)
	defer res.Body.Close()
	var told struct {
		Params struct {
			Notifications sdk.NotificationSubscriptions `json:"notifications"`
		} `json:"params"`
	}
	for s := bufio.NewScanner(res.Body); s.Scan(); {
		if text, ok := strings.CutPrefix(s.Text(), "data: "); ok {
			if err := json.Unmarshal([]byte(text), &told); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	agreed := told.Params.Notifications.ResourceSubscriptions
	if len(agreed) != 100 || agreed[0] != "t://0" || agreed[99] != "t://99" {
		t.Errorf("got %d resources that are watched, want the first 100", len(agreed))
	}
}
