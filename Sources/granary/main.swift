import Hummingbird
import HummingbirdTLS
import HummingbirdHTTP2
import GRDB
import JWTKit
import AsyncHTTPClient
import ArgumentParser
import Configuration
