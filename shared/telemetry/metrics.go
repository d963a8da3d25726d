package telemetry

// A MetricInfo describes a metric, for who makes it and for the documentation.
type MetricInfo struct {
	Name string
	// Kind is that of the spans whose duration it is, in seconds. The metric without one
	// counts [Events].
	Kind Kind
	// Labels are the keys by which it can be told apart.
	Labels []string
	// Buckets are the bounds of the durations, in seconds.
	Buckets []float64
	// Question is what it answers.
	Question string
}

// Keys of spans and labels that are ours.
const (
	OutcomeLabel  = "postern.outcome"
	FailureLabel  = "error.type"
	EventLabel    = "postern.event"
	EndpointLabel = "postern.endpoint"
	UpstreamLabel = "postern.upstream"
)

var (
	short = []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}
	long  = []float64{.01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60, 120, 300}
)

// Metrics is every metric. Names and labels that are not ours are those of OpenTelemetry's
// semantic conventions. A duration has a count, so that it counts as well.
var Metrics = []MetricInfo{
	{
		"postern.events", 0, []string{EventLabel}, nil,
		"How many signed in, were refused, refreshed, or presented a token again? Each event of the list below.",
	},
	{
		"http.server.request.duration", KindRequest,
		[]string{
			EndpointLabel, "http.request.method", "http.route", "http.response.status_code", "url.scheme",
			OutcomeLabel, FailureLabel,
		}, short,
		"How many requests, how slow, how many of them our fault?",
	},
	{
		"mcp.server.operation.duration", KindCall,
		[]string{
			"mcp.method.name", "gen_ai.tool.name", "gen_ai.prompt.name", "mcp.protocol.version",
			"rpc.response.status_code", UpstreamLabel, OutcomeLabel, FailureLabel,
		}, long,
		"Which tools are called, how do the calls end, which is slow?",
	},
	{
		"db.client.operation.duration", KindStore,
		[]string{"db.system.name", "db.operation.name", "db.collection.name", OutcomeLabel, FailureLabel}, short,
		"What does the store do, what does it cost, does it fail?",
	},
	{
		"http.client.request.duration", KindFetch,
		[]string{
			"http.request.method", "server.address", "server.port", "http.response.status_code",
			OutcomeLabel, FailureLabel,
		}, long,
		"How long do the identity provider and the server behind take, and do they fail?",
	},
	{
		"faas.invoke_duration", KindEvent, []string{"faas.trigger", OutcomeLabel, FailureLabel}, long,
		"Does the cascade keep up, and how often does an event have to come again?",
	},
}
