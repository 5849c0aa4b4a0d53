package deps

import "strings"

// A pattern names packages: itself ("./sdk", "net/http"), all below a folder ("./core/*"), both ("./core/..."), or
// external, every package that is neither the module's nor the standard library's.
const external = "external"

func matchesAny(pkg string, patterns []string) bool {
	for _, p := range patterns {
		if matches(pkg, p) {
			return true
		}
	}
	return false
}

func matches(pkg, pattern string) bool {
	if pattern == external {
		return isExternal(pkg)
	}
	if folder, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == folder || strings.HasPrefix(pkg, folder+"/")
	}
	if folder, ok := strings.CutSuffix(pattern, "/*"); ok {
		return strings.HasPrefix(pkg, folder+"/")
	}
	return pkg == pattern
}

// isExternal relies on what the go command does: only the standard library's paths have no dot in their first element.
func isExternal(pkg string) bool {
	first, _, _ := strings.Cut(pkg, "/")
	return first != "." && strings.Contains(first, ".")
}
