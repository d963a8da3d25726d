package suite

import (
	"context"
	"encoding/json"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/functions/mcp"
)

// tools are those that answer at once.
func tools() []mcp.Part {
	return []mcp.Part{
		showing("test_simple_text", &sdk.TextContent{Text: "This is a simple text response for testing."}),
		showing("test_image_content", &sdk.ImageContent{MIMEType: "image/png", Data: picture}),
		showing("test_audio_content", &sdk.AudioContent{MIMEType: "audio/wav", Data: sound}),
		showing("test_embedded_resource",
			embedded("test://embedded-resource", "This is an embedded resource content.")),
		showing("test_multiple_content_types",
			&sdk.TextContent{Text: "Multiple content types test:"},
			&sdk.ImageContent{MIMEType: "image/png", Data: picture},
			embedded("test://mixed-content-resource", `{"test":"data","value":123}`)),
		showing("test_resource_link", &sdk.ResourceLink{
			URI: "test://static-text", Name: "static-text", MIMEType: "text/plain", Icons: icons,
			Annotations: &sdk.Annotations{Audience: []sdk.Role{"user"}, Priority: 1},
		}),
		mcp.NewTool(sdk.Tool{Name: "test_error_handling", Description: "Fails."},
			func(context.Context, mcp.Caller, mcp.None) (string, error) {
				return "", mcp.Problem("This tool intentionally returns an error for testing")
			}),
		mcp.NewTool(sdk.Tool{
			Name: "json_schema_2020_12_tool", Description: "Takes what its schema says.", InputSchema: addressSchema,
		}, func(_ context.Context, _ mcp.Caller, in json.RawMessage) (string, error) { return string(in), nil }),
		mcp.NewTool(sdk.Tool{
			Name: "test_x_mcp_header", Description: "Takes what a header repeats.", InputSchema: headerSchema,
		}, func(_ context.Context, _ mcp.Caller, in map[string]any) (map[string]any, error) { return in, nil }),
	}
}

// showing is a tool that always answers the same.
func showing(name string, content ...sdk.Content) mcp.Part {
	closed := false
	about := sdk.Tool{
		Name: name, Description: "Shows what it has.", Icons: icons,
		Annotations: &sdk.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: &closed},
	}
	return mcp.NewTool(about, func(context.Context, mcp.Caller, mcp.None) (mcp.Content, error) { return content, nil })
}

// Schemas that no Go type has: they reach clients as they are written.
var (
	addressSchema = json.RawMessage(`{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"type": "object",
		"$defs": {"address": {
			"$anchor": "addressDef", "type": "object",
			"properties": {"street": {"type": "string"}, "city": {"type": "string"}}
		}},
		"properties": {
			"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"},
			"contactMethod": {"type": "string", "enum": ["phone", "email"]},
			"phone": {"type": "string"}, "email": {"type": "string"}
		},
		"allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
		"if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
		"then": {"required": ["phone"]},
		"else": {"required": ["email"]},
		"additionalProperties": false
	}`)
	headerSchema = json.RawMessage(`{
		"type": "object",
		"properties": {"region": {"type": "string", "x-mcp-header": "Region"}, "level": {"type": "integer"}}
	}`)
)
