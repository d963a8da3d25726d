// Package test tries the whole product with programs that nobody here wrote: MCP
// clients of three SDKs, a Chromium, the conformance suite, and requests recorded from
// fifteen real clients. The servers are processes of their own and are killed without
// warning. docs/conformance.md says which requirement is proved where.
//
//	internal/rig   builds and starts the programs, carries the traffic, reads the logs
//	npm            the clients that npm brings, and the scripts that drive them
//	tools          installs what the tests use
//	bench          the ratios of the speed budget
//
// With POSTERN_FAST=1 or -short every test is skipped and says what to type to run it.
package test
