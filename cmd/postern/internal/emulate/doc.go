// Package emulate runs a deployment on this computer: every function its own process
// under functions-framework, any number of replicas of each, and in front of them a
// gateway that does to requests and answers what API Gateway does. What works here
// works deployed, because what breaks there breaks here: the moved Authorization
// header, the rewritten Host, the deadline, the repeated request, the refusals without
// CORS, an instance that dies. Or, as terraform's front = "load-balancer" has it, with a load
// balancer straight before the functions, which adds its proof and lets streams through.
//
// Three stores are offered. "embedded" runs the functions' own cmd/ over one file, "postgres"
// over a server; what the store keeps of changes is taken for Eventarc. "firestore" runs the packages as they are
// deployed over the Firestore emulator, whose events a shim passes on as Eventarc does:
// at least once, sometimes twice, in no order.
//
// One thing cannot be reproduced: K_SERVICE is not set, because with it a function
// refuses the Firestore emulator. So a function is made on its first request and not at
// its start; [Config.Check] finds bad settings before anything starts.
package emulate
