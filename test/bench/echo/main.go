// Command echo is a tool author's function as it is deployed, with the same tool as ../sdk.
package main

import (
	"context"
	"log"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp"
)

type text struct {
	Text string `json:"text"`
}

func describe(mcp.Deps) mcp.Server {
	echo := func(_ context.Context, _ mcp.Caller, in text) (text, error) { return in, nil }
	return mcp.Server{Name: "echo", Version: "1", Parts: []mcp.Part{mcp.NewTool(sdk.Tool{Name: "echo"}, echo)}}
}

func main() {
	if err := os.Setenv("FUNCTION_TARGET", "tools"); err != nil {
		log.Fatal(err)
	}
	functions.HTTP("tools", mcp.Handler(describe))
	log.Fatal(funcframework.StartHostPort("127.0.0.1", os.Getenv("PORT")))
}
