// Package pluginpb has the control service of plugin processes, made from
// plugin.proto, and the portable carrier of links, which no .proto can declare.
package pluginpb
