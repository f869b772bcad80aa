// Command vanguard is Vanguard before a reverse proxy, which is how it stands
// before a gRPC server of another process.
package main

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http/httputil"
	"net/url"
	"os"

	"connectrpc.com/vanguard"
	"golang.org/x/net/http2"

	itemsv1 "weftbench/gen/bench/items/v1"
	"weftbench/process"
)

func main() {
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: os.Args[1]})
	// gRPC is spoken over HTTP/2 alone, here without TLS.
	proxy.Transport = &http2.Transport{
		AllowHTTP: true,
		DialTLSContext: func(ctx context.Context, network, address string, _ *tls.Config) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}
	// The end of a round cuts off the requests that are under way: that is no news.
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	items := vanguard.NewServiceWithSchema(
		itemsv1.File_bench_items_v1_items_proto.Services().ByName("ItemService"),
		proxy,
		vanguard.WithTargetProtocols(vanguard.ProtocolGRPC),
		vanguard.WithTargetCodecs(vanguard.CodecProto),
		vanguard.WithNoTargetCompression(),
	)
	transcoder, err := vanguard.NewTranscoder([]*vanguard.Service{items})
	if err != nil {
		log.Fatal(err)
	}
	process.Serve(transcoder)
}
