// Package rig runs the product as its users do, for tests: programs built once, each a
// process of its own on a free port of loopback, with a front that stays when they are
// killed and sees all secrets that pass.
//
//	build.go      programs, built once per test program
//	process.go    a process, its log, its end
//	watchdog.go   nothing outlives the test program
//	server.go     Server: replicas of postern dev behind one front
//	emulate.go    postern emulate
//	front.go      the front: one origin, round robin
//	witness.go    what passes: secrets, and how often which endpoint was asked
//	canary.go     no secret stands in a log, however it is encoded (LG-01)
//	app.go        a client program in plain HTTP
//	github.go     the fake GitHub as a process
//	tools.go      what must be installed
package rig
