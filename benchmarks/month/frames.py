"""How the month's user asks for the twelve tools: frames that occur in the logs, and fresh ones that never do.

A frame's {slots} are filled by `values`; what a tool's parameters are called is said in `tools`. Fresh frames are for
measuring alone: no frame and no drawn value of theirs is ever logged.
"""

from __future__ import annotations

LOGGED: dict[str, str] = {
    "get_summary": """
        give me a summary of the Wikipedia article {title}
        summarise the Wikipedia page about {title}
        What does Wikipedia say about {title}?
        I need a short summary of {title} from Wikipedia
        sum up the article on {title}
        Who or what is {title}, according to Wikipedia?
        get the summary of the article {title}
        read the introduction of {title} on Wikipedia
        Wikipedia summary: {title}
        look up {title} and sum it up
        tell me in short what the article {title} says
        In a few lines, what is {title}?
        I want to know what Wikipedia has on {title}
        the article {title} is too long, summarise it
        fetch a summary for {title}
        explain {title} with Wikipedia's summary
        please sum {title} up from Wikipedia
        what is the Wikipedia article {title} about
        I only want the short version of {title}
        shorten the Wikipedia text on {title}
        let me have the main points of {title} on Wikipedia
        Is there a summary of {title} on Wikipedia?
        tell me about {title}, the encyclopedia will know
        the entry {title} in a few words
        condense Wikipedia's {title} for me
        describe {title} with the help of Wikipedia
    """,
    "git_checkout": """
        check out {branch} in {repo}
        switch {repo} to the branch {branch}
        go to branch {branch} of the repository {repo}
        in {repo}, switch to {branch}
        I want to work on {branch} in {repo}
        change the branch of {repo} to {branch}
        check out the branch {branch} of {repo}
        move {repo} over to {branch}
        put {repo} on branch {branch}
        The branch {branch} in {repo} is what I need, check it out
        get {repo} onto {branch}
        leave the current branch of {repo} and take {branch}
        use branch {branch} in the repo {repo}
        my repository {repo} should be on {branch}
        git checkout {branch} in {repo}
        make {branch} the current branch of {repo}
        change to {branch} in {repo}
        for the repository {repo} take the branch {branch}
        bring {repo} back to {branch}
        open the branch {branch} in {repo}
        {repo} has a branch {branch}, go there
        Can {repo} be on {branch}?
        I need to be on the branch {branch} of {repo}
        let {repo} be on {branch}
        check {branch} out, the repository is {repo}
        take {repo} to the branch {branch}
    """,
    "git_log": """
        show the last {count} commits of {repo}
        show the commit log of {repo}
        What were the last {count} commits in {repo}?
        list {count} commits of the repository {repo}
        git log of {repo}, {count} entries
        print the commits of {repo}
        I need the history of {repo}
        the last {count} commits in {repo}
        What happened in the repo {repo} lately?
        in {repo}, list the newest {count} commits
        show me the history of the repository {repo}
        give me {count} log entries of {repo}
        read the commit log of {repo}, only {count} of them
        Who committed to {repo}? Show the log
        view {count} recent commits of {repo}
        list the commits in {repo}
        Which commits are in {repo}?
        let me look at the commits of {repo}
        I would like the log of {repo}
        from {repo} show {count} commits
        the newest {count} commits from the repository {repo}
        fetch the log of the repository {repo}
        see what was committed to {repo}, the last {count} times
        what is in the commit log for {repo}
        I want {count} commits from {repo}
        tell me the latest commits of {repo}
    """,
    "convert_to_pdf": """
        convert {file} to PDF
        turn {file} into a PDF called {pdf}
        make a PDF of {file}
        save {file} as the PDF {pdf}
        convert the document {file} and call the result {pdf}
        I need {file} as a PDF
        export {file} to {pdf}
        create {pdf} out of {file}
        Could {file} become a PDF?
        write {file} out as PDF under the name {pdf}
        change the Word file {file} into a PDF
        from {file} make the PDF {pdf}
        give me a PDF version of {file}
        the client wants {file} as {pdf}, convert it
        do a PDF conversion of {file}
        print {file} into the file {pdf}
        please make {file} a PDF
        {file} as a PDF, please
        make {pdf} from the document {file}
        I want the document {file} to be a PDF
        {file} should become {pdf}
        get me a PDF of {file} and name it {pdf}
        convert my Word document {file}
        the PDF of {file} should be called {pdf}
        can {file} be had as a PDF
        store {file} as PDF, the name is {pdf}
    """,
    "get-logs": """
        show the logs of {container}
        get the logs of the container {container}
        What does {container} log?
        fetch the Docker logs of {container}
        print what the container {container} has logged
        I want the latest logs for {container}
        read the logs of my container {container}
        the container {container} misbehaves, show its logs
        docker logs {container}
        let me read the log output of {container}
        Why did {container} crash? Get its logs
        logs of {container}
        pull the newest logs from {container}
        look into the logs of the {container} container
        check what {container} has written to its log
        bring me the logs for container {container}
        I have to see the logs of {container}
        what did {container} log last
        what is in the logs for {container}
        show what {container} logged
        let me see the container logs of {container}
        see the log of {container}
        could I have the logs from {container}
        dump the logs of {container} here
        the container is {container}, I need its logs
        what does the log of {container} say
    """,
    "calculate": """
        calculate {expression}
        What is {expression}?
        how much is {expression}
        compute {expression}
        work out {expression}
        evaluate the expression {expression}
        I need the result of {expression}
        solve {expression}
        {expression} makes how much?
        do the sum {expression}
        tell me what {expression} is
        run the calculator on {expression}
        What does {expression} come to?
        find the value of {expression}
        give me the answer to {expression}
        please reckon {expression}
        I want to know {expression}
        can you work out {expression}
        what are {expression}
        the answer to {expression}
        what would {expression} be
        let me know the result of {expression}
        get me {expression}
        use the calculator for {expression}
        I have {expression} here, what is it
        what do you get for {expression}
    """,
    "delete_paragraph": """
        delete paragraph {index} of {file}
        remove paragraph {index} from {file}
        in {file}, delete paragraph number {index}
        take paragraph {index} out of the document {file}
        drop paragraph {index} in {file}
        paragraph {index} of {file} has to go
        cut paragraph {index} from {file}
        I don't want paragraph {index} in {file} any more
        erase the paragraph {index} of {file}
        get rid of paragraph {index} in the document {file}
        The document {file} has a bad paragraph, number {index}, delete it
        strike paragraph {index} in {file}
        {file}: delete paragraph {index}
        delete the paragraph with index {index} from {file}
        without paragraph {index}, {file} would be fine, remove it
        clear paragraph {index} of {file}
        please remove the paragraph {index} in {file}
        paragraph {index} in {file} is not needed, delete it
        delete number {index} of the paragraphs in {file}
        I want paragraph {index} deleted from {file}
        from the document {file} remove paragraph {index}
        wipe paragraph {index} out of {file}
        the file {file} has paragraph {index} too many, remove it
        leave paragraph {index} out of {file}
        can paragraph {index} go from {file}
        in the document {file} the paragraph {index} must go
    """,
    "getStory": """
        open the Hacker News story {id}
        get story {id} from Hacker News
        show me story {id}
        What is story {id} on Hacker News about?
        fetch the story with the id {id}
        read Hacker News story number {id}
        I want to see story {id}
        load the story {id}
        give me the HN story {id}
        Hacker News, story {id}
        look up story {id} on HN
        bring up the story numbered {id}
        find the story {id} for me
        let me read the story {id} on Hacker News
        retrieve story {id}
        the story has the id {id}, get it
        I need the story {id}
        what is in story {id}
        can I read the Hacker News story {id}
        show HN story {id}
        get the HN story with number {id}
        what does story {id} tell
        take me to story {id} on Hacker News
        display the story {id}
        story {id} from HN
        let me see what story {id} is
    """,
    "get_current_stock_price": """
        What is the stock price of {symbol}?
        get the price of {symbol}
        how much is a share of {symbol}
        show the current price of {symbol}
        what does {symbol} trade at
        look up the stock {symbol}
        I want the price for the symbol {symbol}
        price of {symbol} now
        check the share price of {symbol}
        tell me what {symbol} costs today
        quote {symbol}
        What are {symbol} shares worth?
        fetch the current stock price for {symbol}
        how is {symbol} doing on the stock market
        the stock {symbol}: what is its price
        find out the price of {symbol} stock
        I need the price of {symbol} stock
        the price of a {symbol} share
        what is {symbol} worth right now
        can you check {symbol} on the stock market
        let me know the price of {symbol}
        at what price is {symbol}
        what would a {symbol} share cost me
        get me a quote for {symbol}
        is {symbol} up, what is the price
        what do they pay for {symbol}
    """,
    "whois_domain": """
        who owns the domain {domain}
        look up the whois of {domain}
        whois {domain}
        Who registered {domain}?
        get whois information on {domain}
        find out who is behind {domain}
        check the registration of {domain}
        show the whois record of {domain}
        I want to know who holds {domain}
        tell me about the domain {domain}
        Is {domain} registered, and by whom?
        query whois for the domain {domain}
        the domain {domain} looks odd, look up its whois
        when was {domain} registered
        run a whois on {domain}
        To whom does {domain} belong?
        I need to know the owner of {domain}
        whose domain is {domain}
        get the owner of the domain {domain}
        what does whois say about {domain}
        look {domain} up in whois
        the owner of {domain}
        who has {domain}
        do you know who registered {domain}
        registration data for {domain}
        see who is behind the domain {domain}
    """,
    "search_nodes": """
        search the knowledge graph for {query}
        find {query} in the knowledge graph
        look for {query} in my memory graph
        What do we know about {query}? Search the graph
        search the nodes for {query}
        which nodes mention {query}
        go through the knowledge graph and find {query}
        search my knowledge for {query}
        is {query} in the graph
        look up {query} among the nodes
        query the graph with {query}
        find nodes about {query}
        I once stored something on {query}, search for it
        check the knowledge graph for {query}
        nodes that match {query}
        do a search in the graph: {query}
        I need everything on {query} in the knowledge graph
        what is there about {query} in my graph
        let me see the nodes for {query}
        find what I know about {query}
        have we got {query} in the knowledge graph
        show nodes with {query}
        the knowledge graph, what does it say on {query}
        search in my graph for {query}
        get the nodes on {query}
        see if there is a node about {query}
    """,
    "git_commit": """
        commit in {repo} with the message {message}
        commit the changes of {repo}: {message}
        record the changes in {repo} as {message}
        make a commit in {repo}, message {message}
        in {repo}, commit with the message {message}
        save my work in {repo} under {message}
        git commit in {repo}: {message}
        commit {repo} and say {message}
        write a commit to {repo} that says {message}
        put the changes of {repo} into a commit: {message}
        {repo} is ready, commit it with {message}
        create a commit for {repo} with the text {message}
        finish my work on {repo} with the commit {message}
        for {repo} the commit message is {message}, commit
        let us commit {repo} as {message}
        new commit in the repository {repo}: {message}
        I want to commit {repo} with {message}
        commit what I did in {repo}: {message}
        add a commit to {repo}: {message}
        in the repository {repo} commit: {message}
        the commit in {repo} should say {message}
        please commit {repo}, the message is {message}
        my changes in {repo} are done, commit them as {message}
        commit to the repository {repo} with the text {message}
        a commit for {repo}: {message}
        keep what changed in {repo} as a commit, {message}
    """,
}

FRESH: dict[str, str] = {
    "get_summary": """
        I'd like the gist of the Wikipedia entry {title}
        boil the article about {title} down for me
        What's {title}? A summary from Wikipedia will do
        please summarise {title}
        brief me on {title} using Wikipedia
    """,
    "git_checkout": """
        change over to branch {branch} in the folder {repo}
        I have to be on {branch} in {repo}
        Could you bring {repo} to the branch {branch}?
        for {repo}, check out {branch}
        take me to {branch} in the repository {repo}
    """,
    "git_log": """
        I'd like to see {count} commits from {repo}
        Which commits does {repo} have?
        let me see the commit log for {repo}
        from the repository {repo} I want the {count} latest commits
        display the log of {repo}
    """,
    "convert_to_pdf": """
        I'd like a PDF from {file}
        make {file} a PDF and name it {pdf}
        transform the document {file} to PDF
        please convert {file}, the PDF should be {pdf}
        {file} is needed as a PDF
    """,
    "get-logs": """
        I'd like to see the logs from {container}
        what has {container} been logging
        display the logs for {container}
        Could you fetch the log of the container {container}?
        show me what {container} printed
    """,
    "calculate": """
        I'd like to know what {expression} gives
        the calculator should do {expression}
        what do I get for {expression}
        the result of {expression}, please
        figure out {expression}
    """,
    "delete_paragraph": """
        please delete the paragraph {index} in the file {file}
        I'd like paragraph {index} gone from {file}
        from {file} delete paragraph {index}
        the paragraph number {index} in {file} is wrong, remove it
        throw away paragraph {index} of {file}
    """,
    "getStory": """
        I'd like to read story {id}
        can you get me the story {id}
        what does the Hacker News story {id} say
        show the story whose id is {id}
        pull up HN story {id}
    """,
    "get_current_stock_price": """
        I'd like to know the price of {symbol}
        what is {symbol} stock at right now
        give me the share price for {symbol}
        can you get the stock price of {symbol}
        the value of one {symbol} share
    """,
    "whois_domain": """
        I'd like to know who owns {domain}
        do a whois lookup for {domain}
        give me the whois data of {domain}
        who is the owner of {domain}
        look into the registration of the domain {domain}
    """,
    "search_nodes": """
        I'd like to find {query} in the graph
        search the graph's nodes for {query}
        does the knowledge graph have anything on {query}
        look through my knowledge graph for {query}
        show me nodes about {query}
    """,
    "git_commit": """
        I'd like a commit in {repo} that says {message}
        please commit what is in {repo} with message {message}
        do a commit for the repository {repo}: {message}
        the changes in {repo} should be committed as {message}
        commit to {repo}: {message}
    """,
}

CHANGED_LOGGED = """
        show the last {tail} lines of the logs of {container}
        get {tail} log lines from {container}
        only the last {tail} lines of {container}'s logs
        tail the logs of {container}, {tail} lines
        print {tail} lines that {container} logged last
        the end of the logs of {container}: {tail} lines
"""
CHANGED_FRESH = """
        I'd like {tail} lines of the logs from {container}
        give me {tail} lines from the log of the container {container}
"""
"""Once its schema has changed, the log tool is asked for so many lines too."""


def frames(text: str) -> tuple[str, ...]:
    """Split a block of frames, one a line."""
    return tuple(line.strip() for line in text.strip().splitlines())
