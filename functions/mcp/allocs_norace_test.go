//go:build !race

package mcp

// ownAllocations is how many allocations a warm call may cost beyond what the SDK makes with a request.
const ownAllocations = 20
