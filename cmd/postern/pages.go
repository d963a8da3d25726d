package main

import (
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/text/language"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/front"
	"github.com/postern-dev/postern/functions/authorize"
	"github.com/postern-dev/postern/functions/connections"
	"github.com/postern-dev/postern/shared/boot"
	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/pages"
	"github.com/postern-dev/postern/shared/parts/look"
)

func newPages(out *cli.Output) *cobra.Command {
	return newGroup("pages", "Look at the pages that people see", "", newPagesPreview(out))
}

func newPagesPreview(out *cli.Output) *cobra.Command {
	listen := "127.0.0.1:8086"
	cmd := &cobra.Command{
		Use:   "preview",
		Short: "Show every page in every language, with data made up",
		Long: "Show every page in every language, with data made up.\n\n" +
			"It reads the settings of the look (docs/pages.md) and nothing else. No button does anything.",
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error { return previewPages(cmd.Context(), out, listen) },
	}
	cmd.Flags().StringVar(&listen, "listen", listen, "address to listen on")
	return cmd
}

// previewPages serves until ctx ends.
func previewPages(ctx context.Context, out *cli.Output, listen string) error {
	env := &boot.Env{Lookup: os.LookupEnv}
	r := env.Settings()
	l := look.Read(env, r)
	if err := r.Err(); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(out.Out, "Pages: http://%s/\n", listener.Addr())
	if light, dark, differs := l.Accent.Adjusted(); differs {
		fmt.Fprintf(out.Out, "ACCENT_COLOR could not be read everywhere: it is %s on light pages, %s on dark ones.\n",
			light, dark)
	}
	return front.Serve(ctx, listener, preview(l), front.Options{})
}

//go:embed pages.html
var previewHTML string

var previewIndex = template.Must(template.New("preview").Parse(previewHTML))

// allSamples is every page that there is.
func allSamples() []pages.Sample {
	return slices.Concat(authorize.Samples(), connections.Samples(), pages.Samples())
}

// preview serves an index of all pages, and each at its name, in the language of the query.
func preview(l pages.Look) http.Handler {
	samples := map[string]pages.Sample{}
	var names []string
	for _, s := range allSamples() {
		samples[s.Name], names = s, append(names, s.Name)
	}
	show := pages.Errors(func(w http.ResponseWriter, r *http.Request) error {
		s, ok := samples[r.URL.Path[1:]]
		if !ok {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			return previewIndex.Execute(w, struct {
				Names     []string
				Languages []language.Tag
			}{names, pages.Languages()})
		}
		pages.Speak(r, r.URL.Query().Get("ui_locales"))
		return s.Page.Write(w, r, s.Status, s.Data)
	})
	return pages.With(l, edge.Wrap(edge.Everything(show), edge.Options{Endpoint: "preview", Answers: pages.Answers}))
}
