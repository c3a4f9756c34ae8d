# Contest.pm - what one call costs, by programs that measure themselves.
# SPDX-License-Identifier: MIT
package Contest;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = qw(run_executor run_post run_spawn run_timers);
use List::Util qw(min);
use Load qw(programs);
use Measure qw(median pinned progress);
use Report qw(check row);

my $target_spawn = 1.1;      # of vfork, execve and a pidfd by hand
my %target_ns    = (
    start     => 40,
    cancel    => 40,
    expire    => 450,
    later     => 3,
    call_soon => 5,
    'post_1 (one CPU)' => 20,
    'post_4 (one CPU)' => 20,
    job_1     => 10_000,
    job_64    => 10_000,
);

# bench_timers, bench_post, bench_executor and bench_spawn print "contestant
# operation median best", from 5 rounds each. Adds those of one run to what
# earlier ones have found.
sub contest {
    my ( $found, $part, @under ) = @_;
    open my $out, '-|', @under, programs() . "/bench_$part"
      or die "bench_$part: $!\n";
    while ( my $line = <$out> ) {
        my ( $who, $operation, $median, $best ) = split ' ', $line;
        push @{ $found->{order} }, $operation if !$found->{$operation};
        push @{ $found->{$operation}{$who}{medians} }, $median;
        push @{ $found->{$operation}{$who}{bests} },   $best;
    }
    close $out or die "bench_$part failed\n";
}

sub show_contest {
    my ( $found, $note, @operations ) = @_;
    for my $operation (@operations) {
        my $by = $found->{$operation};
        my %median = map { $_ => median( @{ $by->{$_}{medians} } ) } keys %$by;
        my %best   = map { $_ => min( @{ $by->{$_}{bests} } ) } keys %$by;
        my $target = $target_ns{"$operation$note"};
        row( "$operation$note, ns", defined $target ? "<= $target" : '',
            %median );
        row( '  best', '', %best );
        next if !defined $target;
        my $text = sprintf '%s, ns (best; median %.1f)', "$operation$note",
          $median{rondo};
        check( $text, $best{rondo}, $target );
    }
}

sub run_timers {
    my %found;
    progress('timers: 5 rounds');
    contest( \%found, 'timers' );
    show_contest( \%found, '', @{ $found{order} } );
}

# How threads on several CPUs get in each other's way changes from moment to
# moment, for every library; on one CPU only the work itself is left, and the
# target is for that.
sub run_post {
    my ( %free, %pinned );
    my @pinned = pinned();
    for my $run ( 1 .. 3 ) {
        progress("post: run $run of 3, 5 rounds each");
        contest( \%free,   'post' );
        contest( \%pinned, 'post', @pinned ) if @pinned;
    }
    show_contest( \%free,   '',          @{ $free{order} } );
    show_contest( \%pinned, ' (one CPU)', qw(post_1 post_4) ) if @pinned;
}

# A job's way to a thread and back, CPU time of all threads.
sub run_executor {
    my %found;
    for my $run ( 1 .. 3 ) {
        progress("executor: run $run of 3, 5 rounds each");
        contest( \%found, 'executor' );
    }
    show_contest( \%found, '', @{ $found{order} } );
}

# A program started and waited for, from a process of 10 MB and from one of
# 1 GB: CPU time of both, the child's own included.
sub run_spawn {
    my %found;
    for my $run ( 1 .. 3 ) {
        progress("spawn: run $run of 3, 5 rounds each");
        contest( \%found, 'spawn', pinned() );
    }
    for my $operation ( @{ $found{order} } ) {
        my $by   = $found{$operation};
        my %best = map { $_ => min( @{ $by->{$_}{bests} } ) / 1000 } keys %$by;
        row( "$operation, us (best)", "<= $target_spawn x", %best );
        check( "$operation over by hand (best)",
            $best{rondo} / $best{raw}, $target_spawn );
    }
    my ( $small, $large ) = map { min( @{ $found{$_}{rondo}{bests} } ) }
      qw(spawn_10MB spawn_1GB);
    check( 'spawn_1GB over spawn_10MB', $large / $small, $target_spawn );
}

1;
