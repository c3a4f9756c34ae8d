# Tls.pm - an echo over TLS: a filter of OpenSSL beside OpenSSL by hand.
# SPDX-License-Identifier: MIT
package Tls;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = qw(run_tls);
use Load qw(built cpu_time instructions programs);
use Measure qw(have paired progress slurp);
use Report qw(check row);

my $target   = 1.1;              # of OpenSSL's by hand
my $rounds   = 7;
my $requests = 20_000;
my @sizes    = ( 64, 16_384 );

my @all = map { [ $_->[0], "tls_$_->[1]", '', 'tls_load' ] } (
    [ rondo => 'rondo' ],
    [ raw   => 'raw' ],
    [ libuv => 'uv' ],
);

# Who asks for what a certificate is worth here is nobody.
sub tls_certificate {
    my $file = programs() . '/tls.pem';
    system( 'openssl', qw(req -x509 -newkey rsa:2048 -nodes -sha256),
        qw(-subj /CN=localhost -keyout), "$file.key", '-out', $file ) == 0
      or die "openssl: no certificate\n";
    open my $out, '>>', $file or die "$file: $!\n";
    print $out slurp("$file.key");
    close $out or die "$file: $!\n";
    unlink "$file.key";
    return $file;
}

# Everything that a server does for a request, encryption and system calls too.
sub run_tls {
    my @servers = built(@all);
    return if !@servers || !have('openssl');
    my $certificate = tls_certificate();
    $_->[2] = $certificate for @servers;
    for my $size (@sizes) {
        my %instructions;
        for my $server ( have('valgrind') ? @servers : () ) {
            progress("tls: instructions, $size bytes, $server->[0]");
            $instructions{ $server->[0] } = instructions(
                [ "tls-$server->[0]", @$server[ 1 .. 3 ] ],
                size     => $size,
                requests => [ 1_000, 5_000 ]
            );
        }
        my ( $median, $over ) = paired(
            "tls: $size bytes",
            $rounds,
            sub { @servers },
            sub { cpu_time( $_[0], size => $size, requests => $requests ) }
        );
        row( "TLS, $size bytes, instructions", '', %instructions );
        row( "TLS, $size bytes, server CPU, ns", '', %$median );
        row( '  over raw', "<= $target", %$over );
        check( "TLS, $size bytes, server CPU over raw (median of $rounds)",
            $over->{rondo}, $target );
    }
}

1;
