// What stands between an Envoy and istiod in a pod of Istio, as far as wasm modules go: everything is passed on as it comes, but for
// modules to be fetched, which Istio's own code fetches, checks and puts into a file, or replaces by a filter that lets all pass. Istio's whole
// agent would do the same, and keeps its files in a folder of the machine's that only root may write.
package main

import (
	"flag"
	"log"
	"net"
	"sync"

	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"istio.io/istio/pkg/model"
	"istio.io/istio/pkg/util/sets"
	"istio.io/istio/pkg/wasm"
)

const maxMessageBytes = 64 << 20

type relay struct {
	discovery.UnimplementedAggregatedDiscoveryServiceServer
	istiod *grpc.ClientConn
	cache  wasm.Cache
}

func main() {
	listen := flag.String("listen", "", "address that Envoy connects to")
	istiod := flag.String("istiod", "", "address of istiod")
	folder := flag.String("folder", "", "where fetched modules are kept")
	flag.Parse()
	connection, err := grpc.NewClient(*istiod,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes)))
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	cache := wasm.NewLocalFileCache(*folder, wasm.Options{
		PurgeInterval:         wasm.DefaultPurgeInterval,
		ModuleExpiry:          wasm.DefaultModuleExpiry,
		InsecureRegistries:    sets.New[string](),
		HTTPRequestTimeout:    wasm.DefaultHTTPRequestTimeout,
		HTTPRequestMaxRetries: wasm.DefaultHTTPRequestMaxRetries,
	})
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessageBytes))
	discovery.RegisterAggregatedDiscoveryServiceServer(server, &relay{istiod: connection, cache: cache})
	log.Fatal(server.Serve(listener))
}

func (r *relay) StreamAggregatedResources(envoy discovery.AggregatedDiscoveryService_StreamAggregatedResourcesServer) error {
	upstream, err := discovery.NewAggregatedDiscoveryServiceClient(r.istiod).StreamAggregatedResources(envoy.Context())
	if err != nil {
		return err
	}
	go func() {
		for {
			request, err := envoy.Recv()
			if err != nil || upstream.Send(request) != nil {
				_ = upstream.CloseSend()
				return
			}
		}
	}()
	var sending sync.Mutex
	forward := func(response *discovery.DiscoveryResponse) {
		sending.Lock()
		defer sending.Unlock()
		_ = envoy.Send(response)
	}
	for {
		response, err := upstream.Recv()
		if err != nil {
			return err
		}
		if response.TypeUrl != model.ExtensionConfigurationType {
			forward(response)
			continue
		}
		// As in Istio's agent, a fetch holds up nothing but what it is for.
		go func() {
			if err := wasm.MaybeConvertWasmExtensionConfig(response.Resources, r.cache); err != nil {
				log.Printf("a filter's configuration is not passed on: %v", err)
				return
			}
			forward(response)
		}()
	}
}
