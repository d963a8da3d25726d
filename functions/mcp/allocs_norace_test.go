//go:build !race

package mcp

// ownAllocations is how many allocations a warm call may cost beyond what the SDK makes of it.
const ownAllocations = 24
