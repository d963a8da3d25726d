package pages

// A Sample is a page with data that it may show, for who looks at what pages there are:
// `postern pages preview`, and the tests of all of them.
type Sample struct {
	Name   string
	Page   *Page
	Status int
	Data   any
}

// Samples returns the general page in each of its states.
func Samples() []Sample {
	sample := func(name string, d ErrorData) Sample { return Sample{"error-" + name, errorPage, d.Status, d} }
	samples := []Sample{
		sample("not-found", ErrorData{Status: 404, Code: "invalid_request"}),
		sample("fault", ErrorData{
			Status: 503, Code: "temporarily_unavailable", Fault: true,
			Description: "the server could not answer right now, try again",
		}),
		sample("visit", ErrorData{
			Status: 403, Code: "access_denied", Says: OtherSite, Visit: true,
		}),
		sample("refused", ErrorData{
			Status: 400, Code: "invalid_request",
			Description: "redirect_uri is missing: send one that the client registered",
		}),
	}
	for _, t := range []Text{OtherSite, OtherBrowser, NotApprovedHere, TooOld, AlreadyCompleted} {
		samples = append(samples, sample(string(t), ErrorData{Status: 403, Says: t, Code: "access_denied"}))
	}
	return samples
}
