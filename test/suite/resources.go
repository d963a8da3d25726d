package suite

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp"
)

func resources() []mcp.Part {
	return []mcp.Part{
		holding("static-text", "text/plain",
			sdk.ResourceContents{Text: "This is the content of the static text resource."}),
		holding("static-binary", "image/png", sdk.ResourceContents{Blob: picture}),
		holding("watched-resource", "text/plain",
			sdk.ResourceContents{Text: "Watched resource content"}).Watched(often),
		mcp.NewTemplate(sdk.ResourceTemplate{
			Name: "template", Description: "Has data for each id.", MIMEType: "application/json", Icons: icons,
			URITemplate: "test://template/{id}/data",
		}, func(_ context.Context, _ mcp.Caller, uri string) (*sdk.ResourceContents, error) {
			id := strings.TrimSuffix(strings.TrimPrefix(uri, "test://template/"), "/data")
			data, err := json.Marshal(map[string]any{"id": id, "templateTest": true, "data": "Data for ID: " + id})
			return &sdk.ResourceContents{Text: string(data)}, err
		}),
	}
}

func holding(name, media string, contents sdk.ResourceContents) mcp.Part {
	return mcp.NewResource(sdk.Resource{
		Name: name, Description: "Is always the same.", MIMEType: media, URI: "test://" + name, Icons: icons,
		Annotations: &sdk.Annotations{Audience: []sdk.Role{"user", "assistant"}, Priority: 0.5},
	}, func(context.Context, mcp.Caller) (*sdk.ResourceContents, error) {
		contents := contents // the SDK writes its address into it
		return &contents, nil
	})
}

// often says every three seconds that the resource changed.
func often(ctx context.Context, _ mcp.Caller, _ string, changed func()) error {
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			changed()
		}
	}
}
