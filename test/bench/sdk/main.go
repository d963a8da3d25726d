// Command sdk is what the MCP endpoint is compared with: the SDK's own server with one tool
// and nothing else, at /mcp. DELAY makes the tool take that long.
package main

import (
	"cmp"
	"context"
	"log"
	"net/http"
	"os"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

type text struct {
	Text string `json:"text"`
}

func main() {
	delay, err := time.ParseDuration(cmp.Or(os.Getenv("DELAY"), "0s"))
	if err != nil {
		log.Fatal(err)
	}
	s := sdk.NewServer(&sdk.Implementation{Name: "bare", Version: "1"}, nil)
	echo := func(_ context.Context, _ *sdk.CallToolRequest, in text) (*sdk.CallToolResult, text, error) {
		if delay > 0 {
			time.Sleep(delay)
		}
		return nil, in, nil
	}
	sdk.AddTool(s, &sdk.Tool{Name: "echo"}, echo)
	http.Handle("/mcp", sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return s },
		&sdk.StreamableHTTPOptions{Stateless: true, JSONResponse: true}))
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil)) //nolint:gosec // a caller that is known
}
