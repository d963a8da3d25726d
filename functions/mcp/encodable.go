package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// encodable refuses results that JSON does not have. Of those the SDK would tell nobody: the
// caller would wait for ever, and where encoding panics the process would end. It looks at what
// authors can put in, and encodes no more than that: what the SDK made of a value is JSON.
func encodable(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		res, err := next(ctx, method, req)
		if err == nil {
			err = checkResult(res)
		}
		if err != nil {
			return nil, err
		}
		return res, nil
	}
}

var errNil = errors.New("a part of the result is nil")

func checkResult(res sdk.Result) error {
	if v := reflect.ValueOf(res); v.Kind() == reflect.Pointer && v.IsNil() {
		return errNil
	}
	switch r := res.(type) {
	case *sdk.CallToolResult:
		if _, encoded := r.StructuredContent.(json.RawMessage); !encoded && r.StructuredContent != nil {
			if err := check(r.StructuredContent); err != nil {
				return err
			}
		}
		return errors.Join(checkContents(r.Content), checkInputs(r.InputRequests), checkMeta(r.Meta))
	case *sdk.GetPromptResult:
		for _, m := range r.Messages {
			if m == nil {
				return errNil
			}
			if err := checkContent(m.Content); err != nil {
				return err
			}
		}
		return errors.Join(checkInputs(r.InputRequests), checkMeta(r.Meta))
	case *sdk.ReadResourceResult:
		for _, c := range r.Contents {
			if c == nil {
				return errNil
			}
			if err := checkMeta(c.Meta); err != nil {
				return err
			}
		}
		return errors.Join(checkInputs(r.InputRequests), checkMeta(r.Meta))
	case *sdk.ListToolsResult, *sdk.ListPromptsResult, *sdk.ListResourcesResult, *sdk.ListResourceTemplatesResult:
		return nil // the SDK makes them of what was added
	}
	return check(res)
}

func checkContents(all []sdk.Content) error {
	for _, c := range all {
		if err := checkContent(c); err != nil {
			return err
		}
	}
	return nil
}

// checkContent encodes what is not just text or bytes.
func checkContent(c sdk.Content) error {
	switch c := c.(type) {
	case nil:
		return errNil
	case *sdk.TextContent:
		if c != nil && c.Meta == nil {
			return nil
		}
	case *sdk.ImageContent:
		if c != nil && c.Meta == nil {
			return nil
		}
	case *sdk.AudioContent:
		if c != nil && c.Meta == nil {
			return nil
		}
	}
	return check(c)
}

func checkInputs(inputs sdk.InputRequestMap) error {
	if inputs == nil {
		return nil
	}
	return check(inputs)
}

func checkMeta(meta sdk.Meta) error {
	if len(meta) == 0 {
		return nil
	}
	return check(meta)
}

// check encodes a value. A nil pointer that JSON has as null is none either: MCP has no null there.
func check(value any) error {
	text, err := json.Marshal(value)
	if err == nil && string(text) == "null" {
		return errNil
	}
	return err
}
